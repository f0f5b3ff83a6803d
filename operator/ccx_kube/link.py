"""The client of a runner link: one exec in one pod, held open while somebody needs it.

pause(), status(), ... -> LinkWire -> reply
LinkWire -> snapshot, on_snapshot()       the newest of the process
         -> FollowWindow -> follow()      its output, by credit
"""

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import Final, Self

from ccx_api.snapshot import Snapshot
from ccx_api.wish import Wish
from ccx_kube.errors import KubeError, LinkLost, LinkRefused, NodeSilent
from ccx_kube.follow_window import FollowWindow, Item
from ccx_kube.link_wire import DEFAULT_TIMES, LinkTimes, LinkWire
from ccx_kube.runner_words import agree, understood
from ccx_kube.session import KubeSession
from ccx_runner.frames import (
    Credit,
    End,
    Gap,
    JsonObject,
    Lease,
    Output,
    Read,
    Reply,
    Request,
    RequestID,
    RunnerFrame,
    SnapshotFrame,
    Verb,
)

__all__ = ["End", "Gap", "Item", "LinkTimes", "Output", "RunnerLink"]

LEAVE_SECONDS: Final = 0.5

OnSnapshot = Callable[[Snapshot], None]
OnClosed = Callable[[str], None]


class RunnerLink:
    """`async with await RunnerLink.open(session, namespace, pod) as link`.

    Every verb raises LinkRefused with the runner's words, or LinkLost when it did not answer
    within 10 s: then it may have been carried out or not, and the link may still be open.
    """

    snapshot: Snapshot
    """The newest that has come."""

    blocks = False
    """Its process waits for readers who are behind."""

    _task: "asyncio.Task[None]"

    def __init__(
        self, on_snapshot: OnSnapshot | None, on_closed: OnClosed | None, times: LinkTimes
    ) -> None:
        self._on_snapshot, self._on_closed = on_snapshot, on_closed
        self._wire = LinkWire(self._receive, self._has_ended, times)
        self._opened: asyncio.Future[KubeError | None] = asyncio.get_running_loop().create_future()
        self._ids = itertools.count(1)
        self._window = FollowWindow()
        self._arrived = asyncio.Event()
        self._version: int | None = None

    @classmethod
    async def open(
        cls,
        session: KubeSession,
        namespace: str,
        pod: str,
        *,
        on_snapshot: OnSnapshot | None = None,
        on_closed: OnClosed | None = None,
        times: LinkTimes = DEFAULT_TIMES,
    ) -> Self:
        """Wait for the first snapshot; raise LinkRefused or LinkLost.

        `on_snapshot` gets every snapshot, the first included; `on_closed` the reason of the end,
        once, if the link had been open. Both are called from the link's own task.
        """
        link = cls(on_snapshot, on_closed, times)
        link._task = asyncio.create_task(link._wire.run(session, namespace, pod))
        try:
            await link._until_open(times.open)
            await link._speak()
        except BaseException:
            await link.close()
            raise
        return link

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """All that the link has started is gone afterwards; takes a second at most."""
        self._task.cancel()
        await asyncio.wait([self._task])

    @property
    def is_open(self) -> bool:
        return not self._wire.ended

    @property
    def has_next(self) -> bool:
        """What follow() is asked for next has come already."""
        return self._window.has_next

    def when_ended(self, call: Callable[[], None]) -> None:
        """Also for who did not open it. Soon, if it has ended."""
        self._task.add_done_callback(lambda _: call())

    async def pause(self, wish: Wish | None = None) -> Snapshot:
        """Return when every process is proven to stand still. No wish: the pod's own."""
        return await self._control(Verb.PAUSE, wish)

    async def resume(self, wish: Wish | None = None) -> Snapshot:
        return await self._control(Verb.RESUME, wish)

    async def cancel(self, wish: Wish | None = None) -> Snapshot:
        """Return when TERM is delivered: the end comes as a snapshot."""
        return await self._control(Verb.CANCEL, wish)

    async def interrupt(self) -> Snapshot:
        return await self._control(Verb.INTERRUPT)

    async def status(self) -> Snapshot:
        return await self._control(Verb.STATUS)

    async def follow(
        self, offset: int = 0, *, keep: int | None = None
    ) -> AsyncGenerator[Item, None]:
        """The output from there on, and a gap for what nobody has any more; ends after End.

        One at a time: a second call ends the first with LinkRefused. Who takes nothing costs
        256 KiB, and slows neither control nor others. Raises LinkLost once all that came is taken.
        `keep` is the place of the one furthest behind whom it is for: `Block` waits for that.
        """
        read = next(self._ids)
        self._window.start(read, offset)
        self._arrived.set()  # a follow() before this one learns that it is over
        await self._wire.ask(Read(read, offset, keep))
        try:
            await self._grant()
            while not isinstance(item := await self._next(read), End):
                await self._grant()
                yield item
        except BaseException:
            await self._leave(read)
            raise
        with suppress(LinkLost):
            await self._wire.send(Lease())  # the runner waits for this sign before it goes
        yield item

    async def _until_open(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                failure = await asyncio.shield(self._opened)
        except TimeoutError:
            raise NodeSilent(f"no snapshot within {seconds:g} s") from None
        if failure is not None:
            raise failure

    async def _speak(self) -> None:
        """A runner that greets is told what is spoken; the other one knows one version only."""
        if self.version != 1:
            with suppress(LinkLost):  # who asks for something learns why
                await self._wire.send(Lease(version=self.version))

    async def _control(self, verb: Verb, wish: Wish | None = None) -> Snapshot:
        wanted = None if wish is None else wish.model_dump(mode="json")
        await self._wire.ask(Request(verb, next(self._ids), wanted))
        return self.snapshot  # the reply brought it, or a newer one has come since

    async def _next(self, read: RequestID) -> Item:
        while True:
            self._arrived.clear()  # before the look: what arrives after it is not missed
            if not self._window.belongs_to(read):
                raise LinkRefused("another follow() has begun on this link")
            if (item := self._window.next()) is not None:
                return item
            if self._wire.ended:
                raise self._wire.lost()
            await self._arrived.wait()

    async def _leave(self, read: RequestID) -> None:
        """Say that this reader is not to be waited for; a link that is stuck is not either."""
        if self._window.belongs_to(read) and self.is_open:
            with suppress(LinkLost, TimeoutError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self._wire.send(Lease(done=True))

    async def _grant(self) -> None:
        if due := self._window.credit_due():
            self._window.grant(due)  # first: the output may be quicker than the await
            with suppress(LinkLost):  # what has come is still to be taken
                await self._wire.send(Credit(due))

    def _receive(self, frame: RunnerFrame) -> None:
        match frame:
            case SnapshotFrame(snapshot):
                self._learn(snapshot)
            case Reply():
                if frame.ok:
                    self._window.started(frame.id)
                if frame.snapshot is not None:
                    self._learn(frame.snapshot)
            case Output() | Gap() | End():
                self._window.take_in(frame)
                self._arrived.set()

    @property
    def version(self) -> int:
        """Of the link, as agreed with the runner."""
        return self._version or 1

    def _learn(self, told: JsonObject) -> None:
        if self._version is None:
            self._version, self.blocks = agree(told)
        self.snapshot = understood(told)
        if not self._opened.done():
            self._opened.set_result(None)
        if self._on_snapshot is not None:
            self._on_snapshot(self.snapshot)

    def _has_ended(self, end: KubeError) -> None:
        self._arrived.set()
        if not self._opened.done():
            self._opened.set_result(end)
        elif self._on_closed is not None:
            self._on_closed(str(end))
