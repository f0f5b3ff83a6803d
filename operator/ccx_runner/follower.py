"""One reader's place in the output, and how much more it is ready to take. Sans-IO.

follow(), grant() -> next(spool) -> Output | Gap | End | None: nothing to send now
"""

from typing import Final

from ccx_runner.archive_output import ArchiveOutput
from ccx_runner.frame_types import MAX_OUTPUT, End, Gap, Output
from ccx_runner.spool import Spool

AT_ONCE: Final = 2 * MAX_OUTPUT
"""Bytes of output that are read in one go, for as many frames as it takes."""


class Follower:
    """A few integers, not a queue: a slow reader costs nothing and holds back nobody."""

    def __init__(self) -> None:
        self._cursor: int | None = None
        self._start = 0
        self._keep: int | None = None
        self._credit = 0
        self._end_sent = False
        self._end_seen = False

    @property
    def has_begun(self) -> bool:
        return self._cursor is not None

    @property
    def is_behind(self) -> bool:
        """It follows, and has not shown yet that the end has reached it."""
        return self._cursor is not None and not self._end_seen

    @property
    def has_all(self) -> bool:
        """The end has reached it."""
        return self._end_seen

    def place(self, on_its_way: int) -> int | None:
        """Up to where it surely has all, and those it speaks for. None: it follows nothing."""
        if self._cursor is None or self._end_seen:
            return None
        had = max(self._start, self._cursor - on_its_way)
        return had if self._keep is None else min(self._keep, had)

    def follow(self, offset: int, keep: int | None = None) -> None:
        """Start there, or start again there. What is left of the credit stays.

        `keep`: it is going to want what comes from there on, too.
        """
        self._cursor = self._start = offset
        self._keep = keep
        self._end_sent = self._end_seen = False

    def stop(self) -> None:
        """Nobody follows here any more, until the next follow()."""
        self._cursor = None

    def grant(self, count: int) -> None:
        self._credit += count

    def showed_life(self) -> None:
        """A client that has read the end says so with its next frame."""
        self._end_seen = self._end_sent

    def next(self, spool: Spool | ArchiveOutput, *, ended: bool) -> Output | Gap | End | None:
        """A gap and the end cost no credit. Raises OSError if the spool cannot be read."""
        if self._cursor is None or self._end_sent:
            return None
        if self._cursor == spool.end:
            return self._end(spool.end) if ended else None
        if self._cursor >= spool.oldest and not self._credit:
            return None
        found = spool.read(self._cursor, max(1, min(self._credit, AT_ONCE)))
        if found is None:
            return None
        self._cursor = found.end
        if isinstance(found, Output):
            self._credit -= len(found.data)
        return found

    def _end(self, offset: int) -> End:
        self._end_sent = True
        return End(offset)
