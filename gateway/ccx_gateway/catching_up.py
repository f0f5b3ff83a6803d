"""What those read whom the window has left behind.

    read(cursor) -> SpoolReader -> Slice | Gap     once nobody has it any more: a gap
    tend() -> SpoolReader.hold()                   a reader at the runner, for who does not read too

The runner waits at its end for readers that are behind, and for one whose link has broken. So
the link is opened again for as long as somebody is behind and the pod has not ended.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Final

from ccx_gateway.give_way import GiveWay
from ccx_gateway.output_window import Gap, OutputWindow, Slice
from ccx_gateway.spool_reader import SpoolReader
from ccx_gateway.upstream import Ended, OutputLost, Upstream
from ccx_kube.errors import ApiError, KubeError

log = logging.getLogger(__name__)

FIRST_DELAY: Final = 0.05
LONGEST_DELAY: Final = 1.0
"""Seconds between attempts to open a link, for as long as the pod lives; doubled each time."""


class CatchingUp:
    def __init__(
        self,
        window: OutputWindow,
        upstream: Upstream,
        behind: Callable[[], Sequence[int]],
        held: Callable[[], None],
        way: GiveWay,
    ) -> None:
        """`behind` are the cursors of those who are; `held` is told that is_held has become so."""
        self._held, self._way = held, way
        self._window, self._upstream, self._behind = window, upstream, behind
        self._spool = SpoolReader(
            upstream.open_spool, lost=self.tend, furthest=lambda: min(behind(), default=None)
        )
        self._tending: asyncio.Task[None] | None = None
        self._left: Ended | None = None
        self._closed = False

    @property
    def is_open(self) -> bool:
        """There is somebody at the runner for those who are behind."""
        return self._spool.is_open

    async def read(self, cursor: int, max_bytes: int) -> Slice | Gap:
        delay = FIRST_DELAY
        while self._left is None:
            await self._way.free()
            try:
                return await self._spool.read(cursor, max_bytes, until=self._window.oldest)
            except KubeError as exc:
                log.debug("the spool cannot be read: %s", exc)
            await self._look_for_the_end()
            if self._left is None:
                await asyncio.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)
        return Gap(cursor, self._window.oldest)

    @property
    def is_held(self) -> bool:
        """Nobody is behind, or the runner knows of it."""
        return not self._is_wanted() or self._spool.holds

    def tend(self) -> None:
        """To be called when somebody may have fallen behind, or caught up."""
        tending = self._tending is not None and not self._tending.done()
        if not self._closed and not tending and self._spool.is_open != self._is_wanted():
            self._tending = asyncio.create_task(self._tend())

    async def close(self) -> None:
        self._closed = True
        if self._tending is not None:
            self._tending.cancel()
            await asyncio.wait([self._tending])
        await self._spool.close()

    def _is_wanted(self) -> bool:
        return bool(self._behind()) and self._left is None

    async def _tend(self) -> None:
        delay = FIRST_DELAY
        while self._spool.is_open != self._is_wanted():
            if not self._is_wanted():
                await self._spool.close()
                continue
            try:
                await self._spool.hold(min(self._behind()))
                self._held()
            except KubeError as exc:
                log.debug("the spool cannot be held: %s", exc)
                await self._look_for_the_end()
                await asyncio.sleep(delay)
                delay = min(2 * delay, LONGEST_DELAY)

    async def _look_for_the_end(self) -> None:
        try:
            self._left = await self._upstream.final()
        except OutputLost:
            self._left = Ended(self._window.end)
        except ApiError as exc:
            log.debug("the end of the pod is not known: %s", exc)
