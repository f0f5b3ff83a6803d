"""The lines of a container log file as a container runtime writes them. Pure.

    output -> LineSplitter -> (line, complete) -> encode -> `<rfc3339nano> stdout F line`
    record -> decode -> Record

A line of more than 16 KiB comes in several records, tagged P but for the last; so does output
that ends without a newline.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

MAX_LINE: Final = 16 * 1024


@dataclass(frozen=True, slots=True)
class Record:
    time: bytes
    complete: bool
    text: bytes


class LineSplitter:
    """Bytes of one stream to lines; holds back less than MAX_LINE bytes."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[tuple[bytes, bool]]:
        *lines, rest = (self._rest + chunk).split(b"\n")
        records: list[tuple[bytes, bool]] = []
        for line in lines:
            pieces, last = _cut(line)
            records += pieces
            records.append((last.removesuffix(b"\r"), True))
        pieces, self._rest = _cut(rest)
        return records + pieces

    def end(self) -> list[tuple[bytes, bool]]:
        rest, self._rest = self._rest, b""
        return [(rest, False)] if rest else []


def _cut(line: bytes) -> tuple[list[tuple[bytes, bool]], bytes]:
    """Whole pieces, and the rest, which is at most MAX_LINE long."""
    pieces = []
    while len(line) > MAX_LINE:
        pieces.append((line[:MAX_LINE], False))
        line = line[MAX_LINE:]
    return pieces, line


def encode(stream: str, time_ns: int, lines: list[tuple[bytes, bool]]) -> bytes:
    head = f"{_rfc3339nano(time_ns)} {stream} ".encode()
    tags = {True: b"F ", False: b"P "}
    return b"".join([head + tags[complete] + line + b"\n" for line, complete in lines])


def decode(line: bytes) -> Record | None:
    """A line of the file without its newline; None if it is not a record."""
    try:
        time, _, tag, text = line.split(b" ", 3)
    except ValueError:
        return None
    return Record(time, tag == b"F", text)


def _rfc3339nano(time_ns: int) -> str:
    seconds, nanos = divmod(time_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanos:09d}Z"
