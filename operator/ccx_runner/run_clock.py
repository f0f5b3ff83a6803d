"""Active and paused time of one process, and what is left of its limits. Pure.

Monotonic seconds come in as values. Paused time counts from the proof of the freeze: until
then something may still run.
"""

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class RunClock:
    active: float = 0.0
    paused: float = 0.0
    is_paused: bool = False
    since: float | None = None
    """Since when the present stretch lasts; None before the start and after the end."""

    def started(self, now: float) -> "RunClock":
        return replace(self, since=now)

    def pause(self, now: float) -> "RunClock":
        return replace(self.read(now), is_paused=True)

    def resume(self, now: float) -> "RunClock":
        return replace(self.read(now), is_paused=False)

    def ended(self, now: float) -> "RunClock":
        """From here on nothing counts."""
        return replace(self.read(now), since=None)

    def read(self, now: float) -> "RunClock":
        """The same clock with the present stretch added up."""
        if self.since is None:
            return self
        stretch = max(0.0, now - self.since)
        if self.is_paused:
            return replace(self, paused=self.paused + stretch, since=now)
        return replace(self, active=self.active + stretch, since=now)

    def left_of(self, active_limit: float, now: float) -> float:
        """Seconds until that much active time is used up; infinite while the clock stands."""
        if self.since is None or self.is_paused:
            return math.inf
        return max(0.0, active_limit - self.read(now).active)
