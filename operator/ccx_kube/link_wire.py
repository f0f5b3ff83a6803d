"""Frames to and from one runner over one exec; a request is answered by its id.

    ask(frame), send(frame) -> exec's stdin
    exec's stdout -> Decoder -> receive(frame) -> the reply to who waits for it

One task reads all the time and waits for nobody; another sends the heartbeat. Both end together.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ccx_api.names import AGENT_CONTAINER, LINK_ARGV
from ccx_kube.errors import ApiError, KubeError, LinkLost, LinkRefused, NodeSilent
from ccx_kube.exec_channel import ExecProtocolError
from ccx_kube.exec_stream import ExecStream, open_exec
from ccx_kube.session import KubeSession
from ccx_runner.frames import (
    ClientFrame,
    FrameError,
    Lease,
    Read,
    Reply,
    Request,
    RequestID,
    RunnerFrame,
    encode,
    runner_frames,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LinkTimes:
    """All in seconds."""

    open: float = 10.0
    """To the first snapshot."""

    answer: float = 10.0
    lease: float = 10.0
    """Between heartbeats: the runner ends a link that is silent for 30 s."""


DEFAULT_TIMES: Final = LinkTimes()


class LinkWire:
    """`receive` gets every frame, in order and before anybody who waits for a reply goes on;
    it raises FrameError for one that it cannot use. `ended` is called once, at the end.
    """

    def __init__(
        self,
        receive: Callable[[RunnerFrame], None],
        ended: Callable[[KubeError], None],
        times: LinkTimes,
    ) -> None:
        self._receive, self._on_ended, self._times = receive, ended, times
        self._stream: ExecStream | None = None
        self._replies: dict[RequestID, asyncio.Future[Reply | None]] = {}
        self._end: KubeError | None = None

    @property
    def ended(self) -> bool:
        return self._end is not None

    def lost(self) -> LinkLost:
        """To be raised by who finds the link gone."""
        return LinkLost(str(self._end or "the link is not open"))

    async def run(self, session: KubeSession, namespace: str, pod: str) -> None:
        """Until the link ends. Cancel to end it."""
        end: KubeError = LinkLost("closed by this side")
        try:
            async with open_exec(session, namespace, pod, AGENT_CONTAINER, LINK_ARGV) as stream:
                self._stream = stream
                await self._read(stream)
                end = LinkLost(stream.ending)
        except LinkRefused as refusal:
            end = refusal
        except ApiError as exc:
            end = NodeSilent(str(exc)) if exc.is_of_the_way else LinkLost(str(exc))
        except (ExecProtocolError, FrameError) as exc:
            end = LinkLost(str(exc))
        except Exception as exc:  # a fault of ours or of a callback: the link ends, not the process
            log.exception("link to a runner failed", extra={"namespace": namespace, "pod": pod})
            end = LinkLost(f"{type(exc).__name__} on this side: the log says more")
        finally:
            self._end = end
            for waiting in self._replies.values():
                if not waiting.done():
                    waiting.set_result(None)
            self._on_ended(end)

    async def send(self, frame: ClientFrame) -> None:
        if self._stream is None or self._end is not None:
            raise self.lost()
        try:
            await self._stream.write(encode(frame))
        except ApiError as exc:
            raise LinkLost(str(exc)) from exc

    async def ask(self, frame: Read | Request) -> Reply:
        """The reply, which is not a refusal. LinkLost if none came in time: the link goes on."""
        name = frame.verb.name if isinstance(frame, Request) else "READ"
        waiting: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        self._replies[frame.id] = waiting
        try:
            async with asyncio.timeout(self._times.answer):
                await self.send(frame)
                reply = await waiting
        except TimeoutError:
            raise LinkLost(f"no answer to {name} within {self._times.answer:g} s") from None
        finally:
            del self._replies[frame.id]
        if reply is None:
            raise self.lost()
        if reply.error is not None:
            raise LinkRefused(reply.error)
        return reply

    async def _read(self, stream: ExecStream) -> None:
        decoder = runner_frames()
        heartbeat = asyncio.create_task(self._send_heartbeats())
        try:
            async for data in stream.stdout():
                for frame in decoder.feed(data):
                    self._take(frame)
        finally:
            heartbeat.cancel()
            await asyncio.wait([heartbeat])

    def _take(self, frame: RunnerFrame) -> None:
        if isinstance(frame, Reply) and frame.id is None:
            raise LinkRefused(frame.error or "the runner ended the link")
        self._receive(frame)
        if isinstance(frame, Reply) and frame.id in self._replies:  # else it came too late
            waiting = self._replies[frame.id]
            if not waiting.done():
                waiting.set_result(frame)

    async def _send_heartbeats(self) -> None:
        with suppress(LinkLost):  # the reading task learns why
            while True:
                await asyncio.sleep(self._times.lease)
                await self.send(Lease())
