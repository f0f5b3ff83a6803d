"""The recent output of one execution, shared by all who watch it. Sans-IO; all counts are bytes.

    feed -> append(), append_gap() -> [window] -> read(cursor) -> Slice     ready to send
                                                                | Gap      nobody has it any more
                                                                | Behind   too old for us
                                                                | CaughtUp nothing to send yet

Output that follows on in one stream is a run; a slice is of one run, so of one stream. At most
`capacity` bytes and MAX_RUNS runs are kept.
"""

from bisect import bisect_right
from codecs import getincrementaldecoder
from dataclasses import dataclass
from typing import Final, Literal

from ccx_gateway.chunks import Chunks

Stream = Literal["stdout", "stderr", "merged"]
"""`merged` is of either: a pod's log does not tell them apart."""

CAPACITY: Final = 2 * 1024 * 1024
MAX_RUNS: Final = 16_384
"""One takes about 100 bytes: they matter where two streams alternate."""

ENOUGH: Final = 32 * 1024

LONGEST_CHARACTER: Final = 4
"""In UTF-8. A cut between characters needs room for one."""

_decoder = getincrementaldecoder("utf-8")


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

    def fits(self, max_bytes: int) -> bool:
        """As it is, into a notification: it is not to be cut otherwise."""
        return len(self.data) <= max_bytes and not self.truncated


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


CAUGHT_UP: Final = CaughtUp()


class OutputWindow:
    """Positions count the bytes that came, offsets those that were printed: a gap is between."""

    def __init__(self, start: int = 0, *, capacity: int = CAPACITY) -> None:
        self.ended = False
        self.enough = ENOUGH
        """Bytes that a slice need not be longer than, if it is of one piece: nothing is copied."""

        self._released = start
        self._capacity = capacity
        self._data = Chunks()
        self._base = 0  # position of the first byte of _data
        self._offsets, self._positions = [start], [0]  # where each run begins
        self._streams: list[Stream | None] = [None]  # None: it has no bytes yet
        self._last: Slice | None = None

    def start_at(self, offset: int) -> None:
        """Only while it is empty."""
        self._offsets[-1] = offset

    def __len__(self) -> int:
        """Bytes that it holds."""
        return len(self._data)

    @property
    def oldest(self) -> int:
        return self._offsets[0] + max(0, self._base - self._positions[0])

    @property
    def end(self) -> int:
        return self._offsets[-1] + self._data.end - self._positions[-1]

    @property
    def ends_line(self) -> bool:
        """Nothing at its end waits for the rest of a line."""
        return self._data.ends_line

    def append(self, stream: Stream, data: bytes) -> None:
        if not data:
            return
        if self._streams[-1] is None:
            self._streams[-1] = stream
        elif self._streams[-1] != stream:
            self._begin_run(self.end, stream)
        self._data.append(data)
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
        self._last = None  # it may not go on, after all

    def release(self) -> None:
        """What there is of a last line may go out. Not of a character: it is not one yet."""
        self._released = self.end - self._unfinished(max(0, self._positions[-1] - self._base))

    def read(
        self, cursor: int, max_bytes: int, *, hold: bool = True
    ) -> Slice | Gap | Behind | CaughtUp:
        """As many whole lines as fit; a line longer than `max_bytes` comes in pieces.

        A line's beginning waits for the rest, or to be let go, if `hold`; a character's in any
        case. Who asks as another one did before gets the same object: what is made of it can be
        made once.
        """
        last = self._last
        if last is not None and last.offset == cursor and last.fits(max_bytes):
            return last  # there may be more by now: that comes next
        if cursor >= self.end:
            return CAUGHT_UP
        if cursor < self.oldest:
            return Behind(self.oldest)
        run = bisect_right(self._offsets, cursor) - 1
        start = self._positions[run] + cursor - self._offsets[run] - self._base
        run_end = self._run_end(run)
        if start >= run_end:
            return Gap(cursor, self._offsets[run + 1])
        closed = self.ended or run + 1 < len(self._offsets)
        end = self._cut(start, min(start + max_bytes, run_end), run_end, closed=closed)
        if end == start and not hold:
            end = run_end - self._unfinished(start)
        elif end == start and self._released > cursor:
            end += self._released - cursor
        return self._slice(cursor, run, start, end) if end > start else CAUGHT_UP

    def _run_end(self, run: int) -> int:
        """As an index of _data, like all that follows."""
        last = run + 1 == len(self._positions)
        return len(self._data) if last else self._positions[run + 1] - self._base

    def _cut(self, start: int, limit: int, run_end: int, *, closed: bool) -> int:
        chunk_end = self._data.chunk_end(start)
        if self.enough <= chunk_end - start <= limit - start:
            return chunk_end
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

    def _unfinished(self, start: int) -> int:
        """Bytes after `start` that are the beginning of a character, and no whole one."""
        return unfinished(self._data[max(start, len(self._data) - LONGEST_CHARACTER + 1) :])

    def _slice(self, cursor: int, run: int, start: int, end: int) -> Slice:
        last = self._last
        if last is not None and (last.offset, last.end) == (cursor, cursor + end - start):
            return last
        stream = self._streams[run]
        assert stream is not None
        data = self._data[start:end]
        is_last = end == self._run_end(run) and (self.ended or run + 1 < len(self._offsets))
        self._last = Slice(cursor, stream, data, truncated=data[-1] != 0x0A and not is_last)
        return self._last

    def _begin_run(self, offset: int, stream: Stream | None) -> None:
        self._offsets.append(offset)
        self._positions.append(self._data.end)
        self._streams.append(stream)
        self._last = None
        self._forget()

    def _forget(self) -> None:
        excess = len(self._data) - self._capacity
        if len(self._positions) > MAX_RUNS:
            excess = max(excess, self._positions[-MAX_RUNS] - self._base)
        if excess <= 0:
            return
        self._data.forget(excess)
        self._base += excess
        gone = bisect_right(self._positions, self._base) - 1
        del self._offsets[:gone], self._positions[:gone], self._streams[:gone]


def unfinished(data: bytes | bytearray) -> int:
    """How many bytes at the end are the beginning of a UTF-8 character, and no whole one."""
    decoder = _decoder("replace")
    decoder.decode(data)
    return len(decoder.getstate()[0])
