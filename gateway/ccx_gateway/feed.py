"""One execution's output in this replica: followed once, for all who watch it.

    Link.follow(window.end) -> window -> pumps          a broken link goes on where it was
    Upstream.final() -> a gap -> window                 once nobody has the rest
    CatchingUp -> a pump that the window left behind

Who is furthest sets the pace: the feed reads at most AHEAD bytes more than that one has. So a
single viewer is never left behind: what it does not take stays in the runner's spool. With `Block`
it also waits until the runner knows of who has just been left behind.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import aclosing, suppress
from typing import Final

from ccx_gateway.catching_up import FIRST_DELAY, LONGEST_DELAY, CatchingUp
from ccx_gateway.gathering import enough, gathers
from ccx_gateway.give_way import GiveWay
from ccx_gateway.line_block import LineBlock
from ccx_gateway.line_pause import LinePause
from ccx_gateway.output_window import CAPACITY, OutputWindow
from ccx_gateway.runner_output import Merged, take_in
from ccx_gateway.shared_frame import KEPT, SharedFrame
from ccx_gateway.side_by_side import send_side_by_side
from ccx_gateway.start_delays import StartDelays
from ccx_gateway.stream_metrics import Place, StreamMetrics, place_of
from ccx_gateway.text_frames import TextFrames
from ccx_gateway.upstream import Ended, Link, OutputLost, Upstream
from ccx_gateway.viewer_pump import ViewerPump
from ccx_kube.errors import ApiError, KubeError, LinkRefused
from ccx_kube.link import Item

log = logging.getLogger(__name__)

AHEAD: Final = CAPACITY // 2


class OffsetBeyondEndError(Exception):
    def __init__(self, offset: int, end: int) -> None:
        super().__init__(f"offset {offset} is beyond the end of the output, {end}")


class Feed:
    """`failed` is told, at most once, why no more can come."""

    def __init__(
        self,
        upstream: Upstream,
        failed: Callable[[Exception], None],
        metrics: StreamMetrics | None = None,
        way: GiveWay | None = None,
    ) -> None:
        self.window = OutputWindow()
        self.link: Link | None = None
        self.pumps: set[ViewerPump] = set()
        self.frame = SharedFrame[TextFrames](self._last_before)
        self.binary = SharedFrame[bytes](self._last_before)
        self.lines = SharedFrame[LineBlock](self._last_before)
        self._upstream, self._failed = upstream, failed
        self._metrics, self._way = metrics or StreamMetrics(), way or GiveWay()
        self._told = 0
        self._moved = asyncio.Event()
        self._behind = CatchingUp(
            *(self.window, upstream, self._cursors_behind, self._moved.set, self._way)
        )
        self.read_spool = self._behind.read
        """For a pump that is behind the window."""

        self.tail = b""
        """For those who have missed something, once the window has ended."""

        self._pause = LinePause(self.window, self._wake)
        self._begun = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Links and tasks are gone afterwards; takes two seconds at most."""
        self._task.cancel()
        await asyncio.wait([self._task])
        self._pause.close()
        await self._behind.close()

    async def reaches(self, offset: int) -> None:
        """Wait until the output can be had; raise OffsetBeyondEndError if it is not as long."""
        await self._begun.wait()
        if offset <= self.window.end:
            return
        printed = self.window.end
        if self.link is not None and not self.window.ended:
            try:
                printed = (await self.link.status()).output.bytes
            except KubeError:
                return  # the next link will tell
        if offset > max(printed, self.window.end):
            raise OffsetBeyondEndError(offset, printed)

    async def now(self) -> int:
        """Where the output has come to."""
        await self._begun.wait()
        printed = 0
        if self.link is not None and not self.window.ended:
            with suppress(KubeError):  # what has come is what is known
                printed = (await self.link.status()).output.bytes
        return max(printed, self.window.end)

    def lags(self) -> Iterator[tuple[Place, int]]:
        oldest, end = self.window.oldest, self.window.end
        return (place_of(pump.viewer.cursor, oldest=oldest, end=end) for pump in self.pumps)

    def moved(self) -> None:
        """A pump has moved, come or gone."""
        self._moved.set()
        if self._behind.is_open:  # who moves does not fall behind: at most he has caught up
            self._behind.tend()

    async def _run(self) -> None:
        try:
            await self._follow_to_the_end()
        except (LinkRefused, OutputLost) as exc:
            self._failed(exc)
        except Exception as exc:  # a fault of ours must not leave viewers waiting
            log.exception("the feed of an execution failed")
            self._failed(exc)

    async def _follow_to_the_end(self) -> None:
        delay, waits = FIRST_DELAY, StartDelays()
        while not self.window.ended:
            end = self.window.end
            try:
                await self._follow()
            except LinkRefused:
                raise
            except KubeError as exc:
                log.debug("no link to the runner: %s", exc)
                await self._end_late()
                delay = FIRST_DELAY if self.window.end > end else min(2 * delay, LONGEST_DELAY)
                if not self._begun.is_set():
                    delay = waits.next()
                if not self.window.ended:
                    await asyncio.sleep(delay)

    async def _follow(self) -> None:
        link = await self._upstream.open()
        try:
            self.link = link
            if self._begun.is_set():
                self._metrics.resumed("link")
            link.when_ended(self._moved.set)
            self._begin(link.snapshot.output.bytes)
            async with aclosing(link.follow(self.window.end)) as items:
                async for item in items:
                    take_in(self.window, item)
                    self._metrics.came(item)
                    if await self._gathers(item, link):
                        continue
                    self._grown()
                    await self._until_wanted(link)
                    if self._way.is_held:
                        await self._way.free()
        finally:
            self.link = None
            await link.close()

    def _begin(self, printed: int) -> None:
        """Where the first viewers are; one that asks for more than there is has no say."""
        if not self._begun.is_set():
            cursors = [pump.viewer.cursor for pump in self.pumps]
            self.window.start_at(min((c for c in cursors if c <= printed), default=printed))
            self._begun.set()

    async def _end_late(self) -> None:
        """Take what is left of an execution whose pod has ended. If it has not, nothing."""
        try:
            ended = await self._upstream.final()
        except ApiError as exc:
            log.debug("the end of the pod is not known: %s", exc)
            return
        if ended is not None:
            self._begin(ended.total)
            self._take_rest(ended)

    def _take_rest(self, ended: Ended) -> None:
        self.tail = ended.tail
        self.window.append_gap(ended.total)
        self.window.append_end()
        self._grown()

    async def _gathers(self, item: Item | Merged, link: Link) -> bool:
        """Rather take in what is here already, for many at a time: see gathering.py."""
        clients = len(self.pumps)
        self.window.enough = enough(clients)
        if not gathers(item, clients, self.window.end - self._told):
            return False
        await asyncio.sleep(0)  # what has just come is read
        return link.has_next

    def _grown(self) -> None:
        self._told = self.window.end
        self._wake()
        self._pause.grown()
        oldest = self.window.oldest
        if any(pump.viewer.cursor < oldest for pump in self.pumps):
            self._behind.tend()

    def _wake(self) -> None:
        if not self.window.ended:
            send_side_by_side(self.pumps, self._metrics)
            return
        for pump in self.pumps:
            pump.wake()

    async def _until_wanted(self, link: Link) -> None:
        """Not over a link that is gone: the next one is opened at once, the runner may not stay."""
        while not self.window.ended and link.is_open:
            self._moved.clear()
            if (not link.blocks or self._behind.is_held) and self._is_wanted():
                return
            await self._moved.wait()

    def _is_wanted(self) -> bool:
        """Somebody is within reach of what comes next."""
        least = self.window.end - AHEAD
        if least <= 0:
            return True
        for pump in self.pumps:  # noqa: SIM110 - after every piece: a generator costs more
            if pump.viewer.cursor >= least:
                return True
        return False

    def _last_before(self, offset: int) -> int | None:
        """Of those who have to wait for what begins there, and are near."""
        near, last = offset - KEPT, None
        for pump in self.pumps:
            cursor = pump.viewer.cursor
            if pump.idle is None and near <= cursor <= offset:
                last = cursor if last is None else min(last, cursor)
        return last

    def _cursors_behind(self) -> list[int]:
        oldest = self.window.oldest
        return [pump.viewer.cursor for pump in self.pumps if pump.viewer.cursor < oldest]
