"""Read what the window no longer has from the runner's spool, for all who are behind.

    read(cursor) -> a link of its own -> follow(cursor) -> a small window -> Slice | Gap

One link and one place in the spool for an execution, whoever is behind: they take turns. Held
are WINDOW bytes here and what a link holds.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

from ccx_gateway.output_window import Behind, CaughtUp, Gap, OutputWindow, Slice
from ccx_gateway.runner_output import Merged, take_in
from ccx_gateway.upstream import Link
from ccx_kube.errors import LinkLost
from ccx_kube.link import Item

WINDOW: Final = 640 * 1024
"""More than the longest piece of a line that a viewer may ask for, and a frame."""

ROOM: Final = 128 * 1024
"""Of it, for what comes while a line is waited for: so much less is read at once."""

OpenLink = Callable[[], Awaitable[Link]]


class SpoolReader:
    def __init__(
        self, open_link: OpenLink, lost: Callable[[], None], furthest: Callable[[], int | None]
    ) -> None:
        """`lost` is called when a link has ended, for whatever reason. `furthest` is the place of
        the one who is furthest behind, whoever reads.
        """
        self._open_link, self._lost, self._furthest = open_link, lost, furthest
        self._turn = asyncio.Lock()
        self._link: Link | None = None
        self._items: AsyncGenerator[Item | Merged, None] | None = None
        self._came = False
        self._window = OutputWindow()

    @property
    def holds(self) -> bool:
        """The runner knows of it as of a reader."""
        return self.is_open and self._came

    @property
    def is_open(self) -> bool:
        return self._link is not None and self._link.is_open

    async def read(self, cursor: int, max_bytes: int, *, until: int) -> Slice | Gap:
        """At most `max_bytes` from `cursor` on. It is known that there is output up to `until`.

        So the process is never waited for: what is before `until` comes without its newline too.
        Raises LinkLost or LinkRefused, and the next call tries anew.
        """
        max_bytes = min(max_bytes, WINDOW - ROOM)
        async with self._turn:
            try:
                items = await self._at(cursor)
                while True:
                    hold = self._window.end < until
                    match self._window.read(cursor, max_bytes, hold=hold):
                        case Slice() | Gap() as found:
                            return found
                        case Behind(oldest):
                            return Gap(cursor, oldest)
                        case CaughtUp():
                            await self._take(items)
                self._came = True
            except BaseException:
                await self._close()
                raise

    async def hold(self, cursor: int) -> None:
        """Be a reader from `cursor` on, for whom the runner waits. Raises as read()."""
        async with self._turn:
            if self.is_open:
                return
            await self._close()
            try:
                items = await self._at(cursor)
                await self._take(items)
            except BaseException:
                await self._close()
                raise

    async def close(self) -> None:
        """It can be used again afterwards."""
        async with self._turn:
            await self._close()

    async def _take(self, items: AsyncGenerator[Item | Merged, None]) -> None:
        take_in(self._window, await _next(items))
        self._came = True

    async def _at(self, cursor: int) -> AsyncGenerator[Item | Merged, None]:
        if self._link is None:
            self._link = await self._open_link()
            self._link.when_ended(self._lost)
        if self._items is None or not self._window.oldest <= cursor <= self._window.end:
            await self._end_items()
            self._window = OutputWindow(cursor, capacity=WINDOW)
            furthest = self._furthest()
            behind = furthest is not None and furthest < cursor
            self._items = self._link.follow(cursor, keep=furthest if behind else None)
        return self._items

    async def _end_items(self) -> None:
        if self._items is not None:
            await self._items.aclose()
        self._items = None

    async def _close(self) -> None:
        await self._end_items()
        if self._link is not None:
            await self._link.close()
        self._link, self._came = None, False


async def _next(items: AsyncGenerator[Item | Merged, None]) -> Item | Merged:
    try:
        return await anext(items)
    except StopAsyncIteration:
        raise LinkLost("the spool has ended before what the window had") from None
