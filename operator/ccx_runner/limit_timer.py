"""Call back when the first limit of active time is used up, also with nobody to ask for it."""

import asyncio
import math
import time
from collections.abc import Callable

from ccx_runner.run_clock import RunClock
from ccx_runner.snapshot import EndedBy


class LimitTimer:
    def __init__(self, reached: Callable[[EndedBy], None]) -> None:
        self._reached = reached
        self._limits: dict[EndedBy, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def set_limit(self, by: EndedBy, active_seconds: float | None) -> None:
        """None: no such limit. To be followed by arm()."""
        self._limits[by] = math.inf if active_seconds is None else active_seconds

    def drop_limit(self, by: EndedBy) -> None:
        self._limits.pop(by, None)

    def has_limit(self, by: EndedBy) -> bool:
        return by in self._limits

    def arm(self, clock: RunClock) -> None:
        """To be called whenever the clock starts, stops or has a new limit."""
        self.stop()
        left = min(self._left(clock).values(), default=math.inf)
        if left < math.inf:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(left, self._check, clock)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _check(self, clock: RunClock) -> None:
        for by, left in self._left(clock).items():
            if left <= 0:
                self._reached(by)
                return
        self.arm(clock)  # a timer may be early by the resolution of its clock

    def _left(self, clock: RunClock) -> dict[EndedBy, float]:
        now = time.monotonic()
        return {by: clock.left_of(limit, now) for by, limit in self._limits.items()}
