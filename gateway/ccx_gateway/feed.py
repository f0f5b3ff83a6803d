"""One execution's output in this replica: followed once, for all who watch it.

    Link.follow(window.end) -> window -> pumps          a broken link goes on where it was
    Upstream.final() -> the log, or a gap -> window     after the pod's end
    SpoolReader -> a pump that the window left behind

Who is furthest sets the pace: the feed reads at most AHEAD bytes more than that one has. So a
single viewer is never left behind: what it does not take stays in the runner's spool.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from typing import Final

from ccx_gateway.output_window import CAPACITY, Gap, OutputWindow, Slice
from ccx_gateway.runner_output import take_in
from ccx_gateway.spool_reader import SpoolReader
from ccx_gateway.upstream import Ended, Link, OutputLost, Upstream
from ccx_gateway.viewer_pump import ViewerPump
from ccx_kube.errors import ApiError, KubeError, LinkRefused

log = logging.getLogger(__name__)

AHEAD: Final = CAPACITY // 2
FIRST_DELAY: Final = 0.05
LONGEST_DELAY: Final = 1.0
"""Seconds between attempts to open a link, for as long as the pod lives; doubled each time."""


class OffsetBeyondEndError(Exception):
    def __init__(self, offset: int, end: int) -> None:
        super().__init__(f"offset {offset} is beyond the end of the output, {end}")


class Feed:
    """`failed` is told, at most once, why no more can come."""

    def __init__(self, upstream: Upstream, failed: Callable[[Exception], None]) -> None:
        self.window = OutputWindow()
        self.link: Link | None = None
        self.pumps: set[ViewerPump] = set()
        self._upstream, self._failed = upstream, failed
        self._spool = SpoolReader(upstream.open_spool)
        self._begun, self._moved = asyncio.Event(), asyncio.Event()
        self._tending: asyncio.Task[None] | None = None
        self._spool_lost = False
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Links and tasks are gone afterwards; takes two seconds at most."""
        tasks = [task for task in (self._task, self._tending) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await self._spool.close()

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

    async def read_spool(self, cursor: int, max_bytes: int) -> Slice | Gap:
        """For a pump that is behind the window."""
        delay = FIRST_DELAY
        while True:
            try:
                return await self._spool.read(cursor, max_bytes, until=self.window.oldest)
            except KubeError as exc:
                if self.window.ended:
                    return Gap(cursor, self.window.oldest)
                log.debug("the spool cannot be read: %s", exc)
            await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)

    def moved(self) -> None:
        """A pump has moved, come or gone."""
        self._moved.set()
        self._tend_spool()

    async def _run(self) -> None:
        try:
            await self._follow_to_the_end()
        except (LinkRefused, OutputLost) as exc:
            self._failed(exc)
        except Exception as exc:  # a fault of ours must not leave viewers waiting
            log.exception("the feed of an execution failed")
            self._failed(exc)

    async def _follow_to_the_end(self) -> None:
        delay = FIRST_DELAY
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
                if not self.window.ended:
                    await asyncio.sleep(delay)

    async def _follow(self) -> None:
        link = await self._upstream.open()
        try:
            self.link, self._spool_lost = link, False
            self._begin(link.snapshot.output.bytes)
            async with aclosing(link.follow(self.window.end)) as items:
                async for item in items:
                    take_in(self.window, item)
                    self._grown()
                    await self._until_wanted()
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
        if ended.log is not None:  # the log does not tell the streams apart
            self.window.append("stdout", ended.log[self.window.end :])
        self.window.append_gap(ended.total)
        self.window.append_end()
        self._grown()

    def _grown(self) -> None:
        for pump in self.pumps:
            pump.wake()
        self._tend_spool()

    async def _until_wanted(self) -> None:
        while not self.window.ended:
            self._moved.clear()
            lead = max((pump.viewer.cursor for pump in self.pumps), default=0)
            if lead + AHEAD >= self.window.end:
                return
            await self._moved.wait()

    def _tend_spool(self) -> None:
        """Open while somebody is behind: the runner waits for such a reader at its end."""
        tending = self._tending is not None and not self._tending.done()
        if not tending and not self._spool_lost and self._spool.is_open != bool(self._behind()):
            self._tending = asyncio.create_task(self._tend())

    async def _tend(self) -> None:
        if behind := self._behind():
            try:
                await self._spool.hold(min(behind))
            except KubeError:
                self._spool_lost = True  # not tried for nobody again and again
        else:
            await self._spool.close()

    def _behind(self) -> list[int]:
        oldest = self.window.oldest
        return [pump.viewer.cursor for pump in self.pumps if pump.viewer.cursor < oldest]
