"""The recent output of one execution, shared by all who watch it. Sans-IO; all counts are bytes.

    feed -> append(), append_gap() -> [window] -> read(cursor) -> Slice     ready to send
                                                                | Gap      nobody has it any more
                                                                | Behind   too old for us
                                                                | CaughtUp nothing to send yet

Output that follows on in one stream is a run; a slice is of one run, so of one stream. At most
`capacity` bytes and MAX_RUNS runs are kept.
"""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Final, Literal

Stream = Literal["stdout", "stderr", "merged"]
"""`merged` is of either: a pod's log does not tell them apart."""

CAPACITY: Final = 2 * 1024 * 1024
MAX_RUNS: Final = 16_384
"""One takes about 100 bytes: they matter where two streams alternate."""

LONGEST_CHARACTER: Final = 4
"""In UTF-8. A cut between characters needs room for one."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Output from `offset` (counted from the first byte of the execution) up to `end`."""

    offset: int
    stream: Stream
    data: bytes
    truncated: bool = False
    """A piece of a line that goes on in the next slice."""

    @property
    def end(self) -> int:
        return self.offset + len(self.data)


@dataclass(frozen=True, slots=True)
class Gap:
    """Output that nobody has any more."""

    offset: int
    end: int


@dataclass(frozen=True, slots=True)
class Behind:
    oldest: int


@dataclass(frozen=True, slots=True)
class CaughtUp:
    pass


class OutputWindow:
    """Positions count the bytes that came, offsets those that were printed: a gap is between."""

    def __init__(self, start: int = 0, *, capacity: int = CAPACITY) -> None:
        self.ended = False
        self._capacity = capacity
        self._data = bytearray()
        self._base = 0  # position of the first byte of _data
        self._offsets, self._positions = [start], [0]  # where each run begins
        self._streams: list[Stream | None] = [None]  # None: it has no bytes yet
        self._last: Slice | None = None

    def start_at(self, offset: int) -> None:
        """Only while it is empty."""
        self._offsets[-1] = offset

    @property
    def oldest(self) -> int:
        return self._offsets[0] + max(0, self._base - self._positions[0])

    @property
    def end(self) -> int:
        return self._offsets[-1] + self._came - self._positions[-1]

    @property
    def _came(self) -> int:
        return self._base + len(self._data)

    def append(self, stream: Stream, data: bytes) -> None:
        if not data:
            return
        if self._streams[-1] is None:
            self._streams[-1] = stream
        elif self._streams[-1] != stream:
            self._begin_run(self.end, stream)
        self._data += data
        self._forget()

    def append_gap(self, end: int) -> None:
        """What comes next begins at `end`."""
        if end <= self.end:
            return
        if self._streams[-1] is None and len(self._streams) > 1:
            self._offsets[-1] = end
        else:
            self._begin_run(end, None)

    def append_end(self) -> None:
        """No more output: a last line without newline may go out too."""
        self.ended = True

    def read(
        self, cursor: int, max_bytes: int, *, hold: bool = True
    ) -> Slice | Gap | Behind | CaughtUp:
        """As many whole lines as fit; a line longer than `max_bytes` comes in pieces.

        A line's beginning waits for the rest, if `hold`. Who asks as another one did before gets
        the same object: what is made of it can be made once.
        """
        if cursor < self.oldest:
            return Behind(self.oldest)
        if cursor >= self.end:
            return CaughtUp()
        run = bisect_right(self._offsets, cursor) - 1
        start = self._positions[run] + cursor - self._offsets[run] - self._base
        run_end = self._run_end(run)
        if start >= run_end:
            return Gap(cursor, self._offsets[run + 1])
        closed = self.ended or not hold or run + 1 < len(self._offsets)
        end = self._cut(start, min(start + max_bytes, run_end), run_end, closed=closed)
        return self._slice(cursor, run, start, end) if end > start else CaughtUp()

    def _run_end(self, run: int) -> int:
        """As an index of _data, like all that follows."""
        last = run + 1 == len(self._positions)
        return len(self._data) if last else self._positions[run + 1] - self._base

    def _cut(self, start: int, limit: int, run_end: int, *, closed: bool) -> int:
        newline = self._data.rfind(b"\n", start, limit)
        if newline >= 0:
            return newline + 1
        if limit < run_end:
            return self._character_start(limit)
        return limit if closed else start

    def _character_start(self, end: int) -> int:
        """Step back from `end` so that no UTF-8 character is cut in two."""
        for back in range(LONGEST_CHARACTER):
            if self._data[end - back] & 0xC0 != 0x80:
                return end - back
        return end  # not UTF-8

    def _slice(self, cursor: int, run: int, start: int, end: int) -> Slice:
        last = self._last
        if last is not None and (last.offset, last.end) == (cursor, cursor + end - start):
            return last
        stream = self._streams[run]
        assert stream is not None
        with memoryview(self._data) as view:
            data = bytes(view[start:end])
        is_last = end == self._run_end(run) and (self.ended or run + 1 < len(self._offsets))
        self._last = Slice(cursor, stream, data, truncated=data[-1] != 0x0A and not is_last)
        return self._last

    def _begin_run(self, offset: int, stream: Stream | None) -> None:
        self._offsets.append(offset)
        self._positions.append(self._came)
        self._streams.append(stream)
        self._forget()

    def _forget(self) -> None:
        excess = len(self._data) - self._capacity
        if len(self._positions) > MAX_RUNS:
            excess = max(excess, self._positions[-MAX_RUNS] - self._base)
        if excess <= 0:
            return
        del self._data[:excess]
        self._base += excess
        gone = bisect_right(self._positions, self._base) - 1
        del self._offsets[:gone], self._positions[:gone], self._streams[:gone]
