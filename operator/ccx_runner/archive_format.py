"""How an archive of the output looks: three files in a directory of their own. Pure.

    output     the bytes of both streams in order of arrival: a byte's place is its offset
    streams    a line of RECORD bytes wherever the stream changes: `<offset, 20 digits> <kind>`
    end.json   how much there is, and its SHA-256; written last

The kind is 1 for stdout, 2 for stderr and 0 for a hole, whose bytes nobody has. A record is written
before the bytes that it is of: whoever finds one without them finds an archive that was cut off.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, overload

OUTPUT: Final = "output"
STREAMS: Final = "streams"
END: Final = "end.json"
ABOUT: Final = "archive.json"
TRANSCRIPT: Final = "transcript.jsonl"

RECORD: Final = 23
HOLE: Final = 0

DESCRIPTION: Final = {
    "format": "cc-executor output archive",
    "version": 1,
    "files": {
        OUTPUT: "both streams in order of arrival; a byte's place is its offset; holes read as 0",
        STREAMS: "lines of 23 bytes, `offset kind`: 1 stdout, 2 stderr, 0 a hole, up to the next",
        END: "bytes that there are, without holes, and their SHA-256; that of the file streams; "
        "how many were printed, and whether that is all of them",
        TRANSCRIPT: "Claude's transcript of the session, if there is one",
    },
}


class ArchiveError(OSError):
    """It is not what it was when it was written."""


@dataclass(frozen=True, slots=True)
class Record:
    offset: int
    kind: int

    @classmethod
    def parse(cls, line: bytes) -> "Record":
        number, _, kind = line[:-1].partition(b" ")
        fits = len(line) == RECORD and line.endswith(b"\n") and len(number) == 20
        if not (fits and number.isdigit() and kind in (b"0", b"1", b"2")):
            raise ArchiveError(f"{STREAMS}: a line of it is garbled")
        return cls(int(number), int(kind))

    def line(self) -> bytes:
        return b"%020d %d\n" % (self.offset, self.kind)


@dataclass(frozen=True, slots=True)
class Piece:
    """What the archive gets: output of one stream, or a hole up to `end`."""

    offset: int
    end: int
    kind: int
    data: bytes = b""


def records_of(pieces: Sequence[Piece], before: int | None) -> Iterator[Record]:
    """Of pieces that follow each other; `before` is the kind of what was written last."""
    for piece in pieces:
        if piece.kind != before:
            yield Record(piece.offset, piece.kind)
        before = piece.kind


class Records(Sequence[Record]):
    """Read from the file one by one: an index is not held."""

    def __init__(self, read: Callable[[int, int], bytes], size: int) -> None:
        """`read` gives so many bytes of the file at a place."""
        self._read, self._count = read, size // RECORD  # the last one may have been cut off

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(self._count))]
        if not 0 <= index < self._count:
            raise IndexError(index)
        return Record.parse(self._read(RECORD, index * RECORD))
