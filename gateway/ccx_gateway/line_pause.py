"""Let go of a line's beginning when its end does not come: a prompt, or a progress bar.

grown() -> PAUSE_SECONDS without another byte -> window.release() -> wake the viewers
"""

import asyncio
from collections.abc import Callable
from typing import Final

from ccx_gateway.output_window import OutputWindow

PAUSE_SECONDS: Final = 0.05
"""On top of the runner's own 0.2 s: enough for a line that is only on its way in several frames."""


class LinePause:
    def __init__(
        self,
        window: OutputWindow,
        released: Callable[[], None],
        *,
        seconds: float = PAUSE_SECONDS,
    ) -> None:
        """`released` is called when more may be read."""
        self._window, self._released, self._seconds = window, released, seconds
        self._timer: asyncio.TimerHandle | None = None

    def grown(self) -> None:
        """To be called after the window has grown; it costs a look at its last byte."""
        if self._timer is None and not self._window.ends_line:
            self._wait()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds, self._look, self._window.end)

    def _look(self, end: int) -> None:
        self._timer = None
        if self._window.end > end:
            self.grown()
        elif not self._window.ended:
            self._window.release()
            self._released()
