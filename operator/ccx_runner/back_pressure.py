"""`Block`: whether the process has to wait, because a reader who is behind would lose something.

    where readers are, came and went -> ReadersAway.wanted(now) -> BackPressure.has_room(count)

Pure. A reader counts while its link is leased, and AWAY_SECONDS longer if it left before it had
all: a gateway that starts anew comes back. One that has fallen silent is nobody's any more. The
archive is a reader that never leaves: archiver.py.
"""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from ccx_runner.spool import Spool

AWAY_SECONDS: Final = 120.0
MAX_AWAY: Final = 16
"""ReadersAway of readers that are away; of more the oldest leaving is forgotten."""

ON_ITS_WAY: Final = 4 * 1024 * 1024
"""What a reader may have been sent and not have passed on, if that is not a quarter of the spool:
its credit, and the window of a gateway."""


def on_its_way(capacity: int) -> int:
    return min(ON_ITS_WAY, capacity // 4)


class ReadersAway:
    """Up to where the readers surely had all that are away; `now` is of a monotonic clock."""

    def __init__(self, *, away_seconds: float = AWAY_SECONDS) -> None:
        self._away_seconds = away_seconds
        self._away = deque[tuple[int, float]](maxlen=MAX_AWAY)

    def left(self, place: int, now: float) -> None:
        self._away.append((place, now + self._away_seconds))

    def came(self, place: int) -> None:
        """The one that was the nearest before it is back; a reader from further behind is new."""
        before = [away for away in self._away if away[0] <= place]
        if before:
            self._away.remove(max(before))

    def wanted(self, present: Iterable[int], now: float) -> int | None:
        """The first byte that somebody still wants, here or away; None: there is nobody."""
        away = (place for place, until in self._away if now < until)
        return min((*present, *away), default=None)


class BackPressure:
    def __init__(self, spool: Spool, wanted: Callable[[], int | None]) -> None:
        self._spool, self._wanted = spool, wanted

    def has_room(self, count: int) -> bool:
        """For so many bytes more, without a loss for anybody."""
        wanted = self._wanted()
        return wanted is None or self._spool.room_before(wanted) >= count
