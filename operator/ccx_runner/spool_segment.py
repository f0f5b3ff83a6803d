"""One file of the spool: bytes of both streams from one offset on, and where the stream changes."""

import os
from array import array
from bisect import bisect_right
from pathlib import Path
from typing import Final

from ccx_runner.frame_types import Output, Stream

MAX_RECORDS: Final = 65_536


class Segment:
    """The file's size is at most `capacity`; the index takes 4 bytes a record."""

    def __init__(self, directory: Path, start: int, *, capacity: int) -> None:
        self.start = start
        self._path = directory / f"{start:020d}"
        self._capacity = capacity
        self._size = 0
        self._records = array("I")
        self._streams = bytearray()
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._fd = os.open(self._path, flags, 0o600)

    @property
    def is_full(self) -> bool:
        return self._size >= self._capacity or len(self._records) >= MAX_RECORDS

    def append(self, stream: Stream, data: memoryview) -> int:
        """Write what fits, and return how much that was: at least one byte if not full."""
        written = os.pwrite(self._fd, data[: self._capacity - self._size], self._size)
        if not self._streams or self._streams[-1] != stream:
            self._records.append(self._size)
            self._streams.append(stream)
        self._size += written
        return written

    def read(self, offset: int, max_bytes: int) -> Output:
        place = offset - self.start
        record = bisect_right(self._records, place) - 1
        last = record + 1 == len(self._records)
        end = self._size if last else self._records[record + 1]
        data = os.pread(self._fd, min(end - place, max_bytes), place)
        if not data:
            raise OSError(f"spool file {self._path.name} is shorter than what was written to it")
        return Output(offset, Stream(self._streams[record]), data)

    def close(self) -> None:
        os.close(self._fd)

    def delete(self) -> None:
        os.close(self._fd)
        self._path.unlink(missing_ok=True)
