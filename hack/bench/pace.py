"""Let a source print only so far ahead of its readers as a spool holds, and take the time."""

import time
from pathlib import Path
from typing import Final

AHEAD: Final = 32 * 1024 * 1024
"""Half of a spool: a reader that is so far behind loses nothing yet."""

STEP: Final = 4 * 1024 * 1024


class Pace:
    """Of one source. `readers` is how many there are; the slowest counts."""

    def __init__(self, leave: Path, readers: int, *, ahead: int = AHEAD) -> None:
        self._leave, self._ahead = leave, ahead
        self._ends = [0] * readers
        self._told = 0
        self._began = self._ended = 0.0
        leave.unlink(missing_ok=True)

    def begin(self) -> None:
        self._tell(0)

    def reached(self, reader: int, end: int) -> None:
        self._ended = time.perf_counter()
        self._began = self._began or self._ended
        self._ends[reader] = end
        slowest = min(self._ends)
        if slowest >= self._told + STEP:
            self._tell(slowest)

    @property
    def seconds(self) -> float:
        """From the first byte to the last one, of whoever is last."""
        return self._ended - self._began

    def _tell(self, end: int) -> None:
        self._told = end
        new = self._leave.with_suffix(".new")
        new.write_text(str(end + self._ahead))
        new.rename(self._leave)
