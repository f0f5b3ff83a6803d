"""Keep the newest output of both streams, in one merged order of bytes, in a ring of files.

    append(stream, data) -> [segment][segment][segment] -> read(offset) -> Output | Gap | None

The oldest segment is dropped when a new one would exceed the capacity: who must not lose it asks
room_before() first. Nothing is fsynced: the promise is for the death of processes, not of nodes.
Bytes of one stream that follow each other are one record, up to the end of their segment. An
OSError of a write is the caller's.
"""

import hashlib
import shutil
from bisect import bisect_right
from collections import deque
from pathlib import Path
from typing import Final

from ccx_runner.frame_types import Gap, Output, Stream
from ccx_runner.spool_segment import Segment

CAPACITY: Final = 64 * 1024 * 1024
MIN_CAPACITY: Final = 4 * 1024 * 1024
SEGMENTS: Final = 16


class Spool:
    """At most `capacity` bytes on disk, in `segments` files; in memory 4 bytes a record.

    A segment also ends after MAX_RECORDS records, so memory is at most 4 MiB.
    """

    def __init__(
        self, directory: Path, *, capacity: int = CAPACITY, segments: int = SEGMENTS
    ) -> None:
        self._directory = directory
        self._segment_bytes = max(1, capacity // segments)
        self._most_segments = segments
        self._segments: deque[Segment] = deque()
        self._starts: deque[int] = deque()
        self._hash = hashlib.sha256()
        self._total = 0
        self._lines = 0
        shutil.rmtree(directory, ignore_errors=True)  # of a container that was here before
        directory.mkdir(mode=0o700)

    @property
    def end(self) -> int:
        """How many bytes there have been: the offset of the next one."""
        return self._total

    @property
    def oldest(self) -> int:
        """The first offset that can be had, equal to the number of bytes dropped."""
        return self._segments[0].start if self._segments else self._total

    @property
    def lines(self) -> int:
        return self._lines

    @property
    def capacity(self) -> int:
        return self._segment_bytes * self._most_segments

    def room_before(self, offset: int) -> int:
        """How much can surely be appended before the byte at `offset` is dropped.

        The newest segment is left out: it may be full of records before it is full of bytes.
        """
        passed = max(0, bisect_right(self._starts, offset) - 1)
        return (self._most_segments - len(self._segments) + passed) * self._segment_bytes

    def sha256(self) -> str:
        """Of every byte so far, kept or dropped."""
        return self._hash.hexdigest()

    def append(self, stream: Stream, data: bytes, newlines: int | None = None) -> int:
        """Return the offset of the first byte. If it fails, the part that was written counts.

        `newlines`: how many it holds, if that is known.
        """
        offset, rest = self._total, memoryview(data)
        while rest:
            written = self._room().append(stream, rest)
            self._hash.update(rest[:written])
            self._total += written
            rest = rest[written:]
        self._lines += data.count(b"\n") if newlines is None else newlines
        return offset

    def read(self, offset: int, max_bytes: int) -> Output | Gap | None:
        """From `offset`, at most to the end of its record. None: there is nothing yet."""
        if max_bytes < 1:
            raise ValueError(f"max_bytes is {max_bytes}, must be at least 1")
        if not 0 <= offset <= self._total:
            raise ValueError(f"offset {offset} is not between 0 and the end, {self._total}")
        if offset == self._total:
            return None
        if offset < self.oldest:
            return Gap(offset, self.oldest)
        segment = self._segments[bisect_right(self._starts, offset) - 1]
        return segment.read(offset, max_bytes)

    def close(self) -> None:
        """Give back the files' descriptors; the files stay until the volume goes."""
        for segment in self._segments:
            segment.close()

    def _room(self) -> Segment:
        """The segment to write to: the newest, or the next one in place of the oldest."""
        if self._segments and not self._segments[-1].is_full:
            return self._segments[-1]
        if len(self._segments) == self._most_segments:
            self._starts.popleft()
            self._segments.popleft().delete()
        segment = Segment(self._directory, self._total, capacity=self._segment_bytes)
        self._segments.append(segment)
        self._starts.append(segment.start)
        return segment
