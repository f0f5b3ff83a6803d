"""The output of an execution that has ended, as its archive has it: read like a spool.

prove() -> read(offset) -> Output | Gap | None: nothing comes after the end
"""

import hashlib
import json
import os
from bisect import bisect_right
from functools import partial
from pathlib import Path
from typing import Any, Final

from ccx_runner.archive_format import END, HOLE, OUTPUT, STREAMS, ArchiveError, Record, Records
from ccx_runner.frame_types import Gap, Output, Stream

PROVE_BYTES: Final = 1024 * 1024
MAX_END: Final = 64 * 1024


class ArchiveOutput:
    """Nothing of it is held but two descriptors."""

    def __init__(self, directory: Path, printed: int) -> None:
        """`printed` is how much there was: what the archive lacks is a gap. Raises OSError."""
        self.end = printed
        self.oldest = 0
        self.capacity = printed
        self.kept = 0
        """Bytes that have been proven."""

        self._end = _last_word(directory)
        self._output = _open(directory / OUTPUT)
        streams = _open(directory / STREAMS)
        self._size = min(os.fstat(self._output).st_size, printed)
        self._streams = streams
        self._records = Records(partial(os.pread, streams), os.fstat(streams).st_size)

    def prove(self, sha256: str) -> None:
        """That it is what was printed, or at least what its writer has put into it.

        `sha256` is of all that was printed. Of an archive that lacks some of it, the last word of
        its writer counts. Raises ArchiveError where neither fits: then nothing of it is to be read.
        """
        end = self._end
        if end is not None:
            self._prove_streams(end)
        most = self.end if end is None else int(end["bytes"])
        found, place = hashlib.sha256(), 0
        while (piece := self.read(place, PROVE_BYTES)) is not None and self.kept < most:
            if isinstance(piece, Output):
                data = piece.data[: most - self.kept]
                found.update(data)
                self.kept += len(data)
                place += len(data)
            else:
                place = piece.end
        self._size = min(self._size, place)
        whole = self.kept == self.end and found.hexdigest() == sha256
        theirs = end is not None and self.kept == most and found.hexdigest() == end["sha256"]
        if not whole and (not theirs or self.kept == self.end):
            raise ArchiveError("the archive is not what was printed: it has been changed since")

    def read(self, offset: int, max_bytes: int) -> Output | Gap | None:
        """From `offset`, at most to where the stream changes."""
        if offset >= self.end:
            return None
        index = bisect_right(self._records, offset, key=_offset) - 1
        if offset >= self._size or index < 0:
            return Gap(offset, self.end)
        record = self._records[index]
        end = self._records[index + 1].offset if index + 1 < len(self._records) else self._size
        if not record.offset <= offset < end:
            raise ArchiveError(f"{STREAMS}: its lines are not in order")
        if record.kind == HOLE:
            return Gap(offset, min(end, self.end))
        data = os.pread(self._output, min(end - offset, self._size - offset, max_bytes), offset)
        if not data:
            raise ArchiveError(f"{OUTPUT}: is shorter than it was")
        return Output(offset, Stream(record.kind), data)

    def _prove_streams(self, end: dict[str, Any]) -> None:
        found, place = hashlib.sha256(), 0
        while data := os.pread(self._streams, PROVE_BYTES, place):
            found.update(data)
            place += len(data)
        if found.hexdigest() != end["streams"]:
            raise ArchiveError(f"{STREAMS}: has been changed since")


def _last_word(directory: Path) -> dict[str, Any] | None:
    """None: the writer did not come to say it."""
    try:
        fd = _open(directory / END)
        try:
            found = json.loads(os.read(fd, MAX_END))
        finally:
            os.close(fd)
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict):
        return None
    kinds = {"bytes": int, "sha256": str, "streams": str}
    fits = all(isinstance(found.get(key), kind) for key, kind in kinds.items())
    return found if fits else None


def _offset(record: Record) -> int:
    return record.offset


def _open(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
