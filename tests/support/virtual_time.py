"""Time for what has neither sockets nor threads: it goes on only while everybody waits.

A machine that has something else to do cannot make it late.
"""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

P = ParamSpec("P")


class _NeverWaits(selectors.DefaultSelector):
    """What would have been waited for is added to `now` instead."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0)
        assert found or timeout is not None, "all wait for ever"
        if not found and timeout is not None and timeout > 0:
            self.now += timeout
        return found


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._time = _NeverWaits()
        super().__init__(self._time)

    def time(self) -> float:
        return self._time.now


def in_virtual_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(loop_factory=_Loop) as runner:
            runner.run(test(*args, **kwargs))

    return run
