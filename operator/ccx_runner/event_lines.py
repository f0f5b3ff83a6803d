"""Find the lines of Claude's stream-json that matter among all that it prints. Sans-IO.

    feed(bytes) -> search for the types that matter -> whole lines to parse, or None: too long

Most lines may be pieces of text on their way: they are counted, not read, where every line of a
chunk begins like one. Otherwise one search over the chunk costs a twentieth of parsing its lines. A
line that only quotes such a type may be found too: who parses it sees what it is.
"""

import re
from collections.abc import Iterator
from typing import Final

_EVENTS: Final = re.compile(rb'"type": ?"(?:assistant|user|system|result)"')
_PIECES_TOO: Final = re.compile(rb'"type": ?"(?:assistant|user|system|result|stream_event)"')
_PIECE: Final = b'{"type":"stream_event"'
_NEXT_PIECE: Final = b"\n" + _PIECE

_AT_A_TIME: Final = 28_000
"""Bytes: in a text of 30,000 and more Python 3.11 searches in another way, slower for this."""


class EventLines:
    """Holds at most one line, of at most `max_line_bytes`."""

    def __init__(self, *, max_line_bytes: int) -> None:
        self._max_line_bytes = max_line_bytes
        self._line = bytearray()
        self._too_long = False

    def feed(
        self, data: bytes, newlines: int | None = None, *, pieces: bool
    ) -> Iterator[bytes | None]:
        """`pieces`: those of a message that is on its way matter as well.

        `newlines`: how many the data holds, if that is known.
        """
        first_end = data.find(b"\n")
        if first_end < 0:
            self._add(data)
            return
        wanted = _PIECES_TOO if pieces else _EVENTS
        start = 0
        if self._line or self._too_long:
            self._add(data[:first_end])
            yield from self._end_line(wanted)
            start = first_end + 1
        end = data.rfind(b"\n") + 1
        whole = (data.count(b"\n") if newlines is None else newlines) - (start > 0)
        if pieces or not self._are_pieces(data, start, end, whole):
            yield from self._whole_lines(data, start, end, wanted)
        self._add(data[end:])

    def feed_end(self, *, pieces: bool) -> Iterator[bytes | None]:
        """A last line without newline counts too."""
        return self._end_line(_PIECES_TOO if pieces else _EVENTS)

    def _are_pieces(self, data: bytes, start: int, end: int, lines: int) -> bool:
        """All of them, by how they begin."""
        longer = len(_NEXT_PIECE) - 1
        parts = range(start, end, _AT_A_TIME)
        others = sum(
            data.count(_NEXT_PIECE, at, min(end, at + _AT_A_TIME + longer)) for at in parts
        )
        return data.startswith(_PIECE, start) and others + 1 == lines

    def _whole_lines(
        self, data: bytes, start: int, end: int, wanted: re.Pattern[bytes]
    ) -> Iterator[bytes | None]:
        while found := wanted.search(data, start, end):
            line_start = data.rfind(b"\n", start, found.start()) + 1 or start
            line_end = data.find(b"\n", found.end())
            too_long = line_end - line_start > self._max_line_bytes
            yield None if too_long else data[line_start:line_end]
            start = line_end + 1

    def _add(self, piece: bytes) -> None:
        if self._too_long or len(self._line) + len(piece) > self._max_line_bytes:
            self._too_long = True
            self._line.clear()
        else:
            self._line += piece

    def _end_line(self, wanted: re.Pattern[bytes]) -> Iterator[bytes | None]:
        line, too_long = bytes(self._line), self._too_long
        self._line.clear()
        self._too_long = False
        if too_long:
            yield None
        elif wanted.search(line):
            yield line
