"""The log of a pod that has ended: all of its output if that is proven, or else a lossy tail.

    look(last snapshot) -> Proof -> LogLink -> follow()     length and SHA-256 are the output's
                         | bytes                            the end of it, which has no offsets

A kubelet rotates, shortens and empties logs without a word: so a log is read as a whole before
any of it is believed. It is not held: who follows it reads it once more, and each piece must be
what it was.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from ccx_api.names import AGENT_CONTAINER
from ccx_api.snapshot import Snapshot
from ccx_gateway.runner_output import Merged
from ccx_kube.errors import LinkLost
from ccx_kube.link import End
from ccx_kube.objects import object_path
from ccx_kube.session import KubeSession, Params

PIECE: Final = 64 * 1024
MAX_LOG: Final = 16 * 1024 * 1024
"""Bytes that are read for a proof. A kubelet's own limit is 10 MiB, if nobody has raised it."""

MAX_HELD: Final = 4 * PIECE
"""A log that is not longer is held: it need not be read twice."""

TAIL: Final = PIECE
TAIL_LINES: Final = 1000
ANSWER_SECONDS: Final = 10.0
"""To each part of an answer."""

LOOK_SECONDS: Final = 60.0
"""For a whole log, or its tail."""


@dataclass(frozen=True, slots=True)
class Proof:
    """That a log is the whole output: its pieces' hashes, so that it can be read again."""

    snapshot: Snapshot
    pieces: tuple[bytes, ...]
    held: tuple[bytes, ...] | None
    """The pieces themselves, if they are few."""


class PodLog:
    def __init__(self, session: KubeSession, namespace: str, pod: str) -> None:
        self._session = session
        self._path = object_path("/api/v1", namespace, "pods", pod, "log")

    async def look(self, last: Snapshot) -> Proof | bytes:
        """At what is left of it. Raises ApiError, LinkLost, or TimeoutError after a minute."""
        output, mirror = last.output, last.mirror
        exact = (output.bytes, output.sha256) == (mirror.bytes, mirror.sha256)
        async with asyncio.timeout(LOOK_SECONDS):
            if exact and output.bytes <= MAX_LOG:
                looked = await _Looked.at(self.pieces(most=output.bytes + 1))
                if (looked.bytes, looked.hash.hexdigest()) == (output.bytes, output.sha256):
                    held = tuple(looked.held) if looked.bytes <= MAX_HELD else None
                    return Proof(last, tuple(looked.pieces), held)
            return (await _Looked.at(self.pieces(tail_lines=TAIL_LINES))).tail

    async def pieces(
        self, *, most: int | None = None, tail_lines: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """PIECE bytes each, but for the last."""
        params: Params = [("container", AGENT_CONTAINER)]
        if most is not None:
            params = [*params, ("limitBytes", str(most))]
        if tail_lines is not None:
            params = [*params, ("tailLines", str(tail_lines))]
        waiting = bytearray()
        async with self._session.stream("GET", self._path, params=params) as answer:
            while found := await _in_time(answer.content.readany):
                waiting += found
                while len(waiting) >= PIECE:
                    yield bytes(waiting[:PIECE])
                    del waiting[:PIECE]
        if waiting:
            yield bytes(waiting)


class LogLink:
    """A Link whose runner has gone. The streams are one: the log does not tell them apart."""

    def __init__(self, log: PodLog, proof: Proof) -> None:
        self._log, self._proof = log, proof
        self._when_ended: list[Callable[[], None]] = []
        self.is_open, self.blocks, self.has_next = True, False, False

    @property
    def snapshot(self) -> Snapshot:
        return self._proof.snapshot

    async def status(self) -> Snapshot:
        return self.snapshot

    def when_ended(self, call: Callable[[], None]) -> None:
        self._when_ended.append(call)

    async def follow(
        self,
        offset: int = 0,
        *,
        keep: int | None = None,  # noqa: ARG002 - of use to a process that waits for its readers
    ) -> AsyncGenerator[Merged | End, None]:
        """Raises LinkLost if the log has changed since it was proven."""
        async with aclosing(self._pieces()) as pieces:
            place = 0
            async for piece in pieces:
                end = place + len(piece)
                if end > offset:
                    yield Merged(max(place, offset), piece[max(0, offset - place) :])
                place = end
        yield End(place)

    async def close(self) -> None:
        if self.is_open:
            self.is_open = False
            for call in self._when_ended:
                call()

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        proven = self._proof
        if proven.held is not None:
            for piece in proven.held:
                yield piece
            return
        count = 0
        async with aclosing(self._log.pieces(most=proven.snapshot.output.bytes + 1)) as pieces:
            async for piece in pieces:
                if count >= len(proven.pieces) or _hash(piece) != proven.pieces[count]:
                    raise LinkLost("the pod's log is not any more what it was")
                count += 1
                yield piece
        if count != len(proven.pieces):
            raise LinkLost("the pod's log has become shorter")


class _Looked:
    def __init__(self) -> None:
        self.bytes = 0
        self.hash = hashlib.sha256()
        self.pieces: list[bytes] = []
        self.held: list[bytes] = []
        self._last = b""

    @classmethod
    async def at(cls, pieces: AsyncGenerator[bytes, None]) -> "_Looked":
        looked = cls()
        async with aclosing(pieces):
            async for piece in pieces:
                looked._take(piece)
        return looked

    @property
    def tail(self) -> bytes:
        """Its last lines, of which the first may be the rest of a very long one."""
        tail = self._last[-TAIL:]
        if len(tail) == self.bytes:
            return tail
        return tail[tail.find(b"\n", 0, -1) + 1 :]

    def _take(self, piece: bytes) -> None:
        self.bytes += len(piece)
        self.hash.update(piece)
        self.pieces.append(_hash(piece))
        if self.bytes <= MAX_HELD:
            self.held.append(piece)
        self._last = self._last[-TAIL:] + piece


def _hash(piece: bytes) -> bytes:
    return hashlib.sha256(piece).digest()


async def _in_time(read: Callable[[], Awaitable[bytes]]) -> bytes:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await read()
    except TimeoutError:
        raise LinkLost(f"nothing of the pod's log within {ANSWER_SECONDS:g} s") from None
