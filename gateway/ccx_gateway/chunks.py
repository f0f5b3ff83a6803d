"""Bytes that come at one end and go at the other, kept in the pieces that they came in. Sans-IO.

append(piece) -> [chunks of whole lines] -> rfind(), [start:end] -> forget(count)

An index is a place in what is kept, as in the one bytearray that this could be: but one that
grows at its end and shrinks at its beginning is copied whole again and again. Where a piece is
whole lines, as a runner sends them, it is not copied at all.
"""

from bisect import bisect_right
from typing import Final, overload

SMALL: Final = 16 * 1024
"""Neighbours that are not more than this together are one: a line at a time is no chunk each."""

GONE: Final = 512
"""Chunks that are gone are taken from the lists so many at a time."""


class Chunks:
    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._starts: list[int] = []  # positions: they count all that ever came
        self._first = 0  # of the chunks that are kept
        self._base = 0
        self.end = 0
        """How many ever came."""

    def __len__(self) -> int:
        return self.end - self._base

    @property
    def ends_line(self) -> bool:
        """No line has begun that has not ended."""
        return self.end == self._base or self._chunks[-1][-1] == 0x0A

    def append(self, data: bytes) -> None:
        """What is before the last newline is a chunk, what is after it goes on with the next."""
        before = self._chunks[-1] if self._first < len(self._chunks) else b""
        whole = data.rfind(b"\n") + 1
        self.end += len(data)
        if before and len(before) + len(data) <= SMALL:
            self._chunks[-1] = before + data
        elif before and before[-1] != 0x0A and len(before) <= SMALL and whole:
            self._chunks[-1] = b"".join((before, memoryview(data)[:whole]))
            self._push(data[whole:])
        elif len(data) > SMALL and 0 < len(data) - whole <= SMALL:
            self._push(data[:whole], rest=len(data) - whole)
            self._push(data[whole:])
        else:
            self._push(data)

    def forget(self, count: int) -> None:
        """The first of them. A chunk goes once all of it may."""
        self._base += count
        chunks, starts, first = self._chunks, self._starts, self._first
        while first < len(chunks) and starts[first] + len(chunks[first]) <= self._base:
            chunks[first] = b""
            first += 1
        if first >= GONE:
            del chunks[:first], starts[:first]
            first = 0
        self._first = first

    def chunk_end(self, index: int) -> int:
        """Where the chunk ends that this is in, if it ends with a line. Else, 0."""
        at = self._at(index + self._base)
        chunk = self._chunks[at]
        return self._starts[at] + len(chunk) - self._base if chunk[-1] == 0x0A else 0

    def rfind(self, wanted: bytes, start: int, end: int) -> int:
        """The last one of that one byte in between, or -1."""
        low, high = start + self._base, end + self._base
        at = self._at(high - 1)
        while high > low:
            begin = self._starts[at]
            found = self._chunks[at].rfind(wanted, max(0, low - begin), high - begin)
            if found >= 0:
                return begin + found - self._base
            high, at = begin, at - 1
        return -1

    @overload
    def __getitem__(self, key: int) -> int: ...
    @overload
    def __getitem__(self, key: slice) -> bytes: ...
    def __getitem__(self, key: int | slice) -> int | bytes:
        if isinstance(key, slice):
            start, end, _ = key.indices(len(self))
            return self._between(start + self._base, end + self._base)
        position = key + (self._base if key >= 0 else self.end)
        at = self._at(position)
        return self._chunks[at][position - self._starts[at]]

    def _between(self, start: int, end: int) -> bytes:
        if start >= end:
            return b""
        first, last = self._at(start), self._at(end - 1)
        begin = self._starts[first]
        if first == last:  # the whole of a chunk is not copied
            return self._chunks[first][start - begin : end - begin]
        head = memoryview(self._chunks[first])[start - begin :]
        tail = memoryview(self._chunks[last])[: end - self._starts[last]]
        return b"".join((head, *self._chunks[first + 1 : last], tail))

    def _push(self, data: bytes, *, rest: int = 0) -> None:
        """`rest` is what has come after it."""
        if data:
            self._chunks.append(data)
            self._starts.append(self.end - rest - len(data))

    def _at(self, position: int) -> int:
        return bisect_right(self._starts, position, self._first) - 1
