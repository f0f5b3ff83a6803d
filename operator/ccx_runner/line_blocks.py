"""Turn what was read from a process's two pipes into blocks of whole lines. Sans-IO.

    feed(stream, chunk) -> [Block]      flush(stream) -> Block | None: the rest, when no more comes

Blocks are in the order in which they became complete, over both streams. No byte is changed.
"""

from codecs import getincrementaldecoder
from dataclasses import dataclass, field
from typing import Final

from ccx_runner.frame_types import Stream
from ccx_runner.newlines import newlines_in

MAX_LINE_BYTES: Final = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of one stream, or a piece of an overlong one, or a rest without newline."""

    stream: Stream
    data: bytes
    newlines: int = field(default=0, compare=False)
    """Counted once, for all who want to know: that costs as much as a hash."""


class LineBlocks:
    """Holds at most `max_line_bytes` of an unfinished line for each stream."""

    def __init__(self, *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._max_line_bytes = max_line_bytes
        self._rest = {stream: bytearray() for stream in Stream}

    def feed(self, stream: Stream, chunk: bytes) -> list[Block]:
        rest = self._rest[stream]
        lines_end = chunk.rfind(b"\n") + 1
        blocks = []
        if lines_end:
            lines = memoryview(chunk)[:lines_end]
            whole = lines_end == len(chunk) and not rest
            data = chunk if whole else b"".join((rest, lines))
            blocks.append(Block(stream, data, newlines_in(chunk)))
            rest.clear()
        rest += chunk[lines_end:]
        while len(rest) >= self._max_line_bytes:
            blocks.append(Block(stream, bytes(rest[: self._max_line_bytes])))
            del rest[: self._max_line_bytes]
        return blocks

    def has_rest(self, stream: Stream) -> bool:
        """A timer is wanted, to call flush() when the rest of the line does not come."""
        return bool(self._rest[stream])

    @property
    def held(self) -> int:
        """Bytes of unfinished lines."""
        return sum(map(len, self._rest.values()))

    def flush(self, stream: Stream, *, at_end: bool = False) -> Block | None:
        """The unfinished line, if there is one: at the stream's end, or after a short pause.

        Then an unfinished character stays, so that nothing of the other stream comes into it.
        """
        rest = self._rest[stream]
        length = len(rest) if at_end else len(rest) - _unfinished(rest[-3:])
        if not length:
            return None
        block = Block(stream, bytes(rest[:length]))
        del rest[:length]
        return block


def _unfinished(data: bytearray) -> int:
    """Bytes at the end that are the beginning of a UTF-8 character."""
    decoder = getincrementaldecoder("utf-8")("replace")
    decoder.decode(data)
    return len(decoder.getstate()[0])
