"""A runner's place taken by a local source: what a Feed is given instead of a pod.

source -> Source -> LocalLink.follow()         what is new
BLOCK, again and again -> SpoolLink.follow()   what was: the source prints nothing else
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from typing import Final

from bench.source import BLOCK, LINE_BYTES
from ccx_api.snapshot import OutputSnapshot, Snapshot
from ccx_gateway.upstream import Ended
from ccx_kube.link import End, Item, Output
from ccx_runner.frames import Stream

AHEAD: Final = 1024 * 1024
"""Bytes that are held; half of them are read again at once: to stop and go costs, too."""


class Source(asyncio.Protocol):
    """What has come from it, until it is taken; then no more is read."""

    def __init__(self) -> None:
        self._pieces, self._held, self._ended = deque[bytes](), 0, False
        self._arrived = asyncio.Event()
        self._transport: asyncio.ReadTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.ReadTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        self._held += len(data)
        self._arrived.set()
        if self._held >= AHEAD and self._transport is not None:
            self._transport.pause_reading()

    def connection_lost(self, _: Exception | None) -> None:
        self._ended = True
        self._arrived.set()

    @property
    def has_next(self) -> bool:
        return bool(self._pieces)

    async def next(self) -> bytes:
        """Empty: nothing comes any more."""
        while not self._pieces:
            if self._ended:
                return b""
            self._arrived.clear()
            await self._arrived.wait()
        data = self._pieces.popleft()
        self._held -= len(data)
        if self._held < AHEAD // 2 and self._transport is not None:
            self._transport.resume_reading()  # nothing, if it reads
        return data


class LocalLink:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._when_ended: list[Callable[[], None]] = []
        self.is_open, self.blocks = True, False
        self.snapshot = Snapshot(v=1, state="Running", output=OutputSnapshot(bytes=0))

    @property
    def has_next(self) -> bool:
        return self._source.has_next

    def when_ended(self, call: Callable[[], None]) -> None:
        self._when_ended.append(call)

    async def status(self) -> Snapshot:
        return self.snapshot

    async def follow(
        self, offset: int = 0, *, keep: int | None = None
    ) -> AsyncGenerator[Item, None]:
        del keep  # nothing is ever dropped here
        while data := await self._source.next():
            yield Output(offset, Stream.STDOUT, data)
            offset += len(data)
        yield End(offset)

    async def close(self) -> None:
        if self.is_open:
            self.is_open = False
            for call in self._when_ended:
                call()


class SpoolLink(LocalLink):
    async def follow(
        self, offset: int = 0, *, keep: int | None = None
    ) -> AsyncGenerator[Item, None]:
        del keep
        while True:
            data = BLOCK[offset % LINE_BYTES :]
            yield Output(offset, Stream.STDOUT, data)
            offset += len(data)
            await asyncio.sleep(0)


class LocalUpstream:
    """Of one execution: its output is printed once."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def open(self) -> LocalLink:
        return LocalLink(self._source)

    async def open_spool(self) -> LocalLink:
        return SpoolLink(self._source)

    async def final(self) -> Ended | None:
        return None
