"""How long one client may leave a message untaken. One that takes them costs a timer alone.

waited() -> a timer for what is left of it -> over
"""

import asyncio
from collections.abc import Callable


class Patience:
    def __init__(self, waited: Callable[[], float], seconds: float) -> None:
        """`waited`: seconds that the message now being sent has not been taken for."""
        loop = asyncio.get_running_loop()
        self.over: asyncio.Future[None] = loop.create_future()
        """It has an end once that has been too long."""

        self._waited, self._seconds, self._loop = waited, seconds, loop
        self._timer = loop.call_later(seconds, self._look)

    def end(self) -> None:
        self._timer.cancel()
        self.over.cancel()

    def _look(self) -> None:
        left = self._seconds - self._waited()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        elif not self.over.done():
            self.over.set_result(None)
