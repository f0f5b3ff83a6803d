"""Drive one viewer: the only awaits between an execution's output and a client's socket."""

import asyncio
from collections.abc import Awaitable, Callable

from ccx_gateway.at_once import AtOnce, Sent
from ccx_gateway.output_window import Behind, CaughtUp, Gap, OutputWindow, Slice
from ccx_gateway.viewer import Viewer

ReadSpool = Callable[[int, int], Awaitable[Slice | Gap]]
"""Like window.read(), but it waits, and begins at the cursor or after it."""

Send = Callable[[Slice | Gap], Awaitable[None]]


class ViewerPump:
    def __init__(
        self,
        window: OutputWindow,
        viewer: Viewer,
        *,
        read_spool: ReadSpool,
        send: Send,
        at_once: AtOnce | None = None,
        moved: Callable[[], None] = lambda: None,
    ) -> None:
        """`moved` is told after everything that was sent."""
        self.viewer = viewer
        self._window = window
        self._read_spool, self._send, self._moved = read_spool, send, moved
        self._at_once = at_once
        self._woken = asyncio.Event()
        self._is_held = False
        self.idle: AtOnce | None = None
        """Who may be sent what comes next at once: it has all that came before."""

    def wake(self) -> None:
        """To be called after the window has grown or ended."""
        self._woken.set()

    def look(self) -> Slice | Gap | Behind | CaughtUp:
        return self.viewer.look(self._window)

    def was_sent(self, found: Slice, sent: Sent) -> None:
        """At once, as it was idle."""
        self.viewer.take(found)
        if sent is Sent.HELD:
            self._is_held, self.idle = True, None
        if self._is_held or self.viewer.cursor < self._window.end:
            self._woken.set()

    def grant(self, count: int) -> None:
        self.viewer.grant(count)
        self._woken.set()

    async def run(self) -> None:
        """Return when the output has ended and the viewer has all of it. Cancel to stop early."""
        viewer, window, has_sent = self.viewer, self._window, False
        while not (window.ended and viewer.has_all(window)):
            self._woken.clear()  # before the look: a wake-up after it is not lost
            match self.look():
                case Slice() | Gap() as found:
                    if has_sent:  # side by side the viewers share each slice, and its message
                        await asyncio.sleep(0)
                    await self._deliver(found)
                    has_sent = True
                case Behind():
                    await self._deliver(await self._read_spool(viewer.cursor, viewer.allowance))
                    await asyncio.sleep(0)
                case CaughtUp():
                    await self._wait()
                    has_sent = False

    async def _wait(self) -> None:
        self.idle = self._at_once
        try:
            await self._woken.wait()
        finally:
            self.idle = None
        if self._is_held and self._at_once is not None:
            await self._at_once.taken()
            self._is_held = False

    async def _deliver(self, found: Slice | Gap) -> None:
        for item in self.viewer.accept(found):
            await self._send(item)
        self._moved()
