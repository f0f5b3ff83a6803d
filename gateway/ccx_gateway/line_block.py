"""A slice as one notification for each of its lines, and many of those to a write. Pure.

Slice, a place in it -> line_block() -> LineBlock -> FrameWriter      and again from its `end` on

A slice of empty lines is 150 times its size as notifications: so a block has a size of its own.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import orjson

from ccx_gateway.around_text import PLACE, Tell, around_the_text
from ccx_gateway.output_text import decoded
from ccx_gateway.output_window import Slice
from ccx_gateway.text_frames import frame_header

BLOCK: Final = 192 * 1024
"""Bytes of frames, and the one message that goes beyond: a slice of lines of common length."""


_MESSAGE: Final = b"%b%b%b" + PLACE
_header = lru_cache(1024)(frame_header)


@dataclass(frozen=True, slots=True)
class LineBlock:
    frames: bytes
    """WebSocket frames, as a server sends them."""

    last: bytes
    """The message of the frame after them, which is still to be made."""

    end: int
    """Where in the slice the next one begins."""


def line_block(found: Slice, start: int, tell: Tell, *, size: int = BLOCK) -> LineBlock:
    """Each message is what `tell` says of a slice that is that line, or what there is of it."""
    data, stop = found.data, len(found.data)
    end = _end_of_lines(data, start, start + size)
    head, foot = around_the_text(found.stream, tell)
    head, foot = head + b'"', b'\\n"' + foot
    lines = data[start:end].split(b"\n")[:-1]
    frames, written, offset = list[bytes](), 0, found.offset + start
    for line, text in zip(lines, _texts(data[start:end], lines), strict=False):
        next_offset = offset + len(line) + 1
        message = _MESSAGE % (head, text, foot, offset, next_offset)
        header = _header(len(message))
        frames += (header, message)
        offset, written = next_offset, written + len(header) + len(message)
        if written >= size:
            break
    at = offset - found.offset
    if at == end < stop <= start + size or end == start:  # no newline comes any more
        message = tell(Slice(offset, found.stream, data[at:], found.truncated))
        frames += (b"", message)
        at = stop
    return LineBlock(b"".join(frames[:-2]), frames[-1], at)


def _end_of_lines(data: bytes, start: int, limit: int) -> int:
    """Behind as many whole lines as fit before `limit`, but one at least, if there is one."""
    return (data.rfind(b"\n", start, limit) + 1 or data.find(b"\n", start) + 1) or start


def _texts(data: bytes, lines: list[bytes]) -> list[bytes]:
    """The lines, without their newlines, as they stand in JSON.

    Where no backslash was printed, each that stands there before an n is of a newline: then all
    lines are made at once, in a tenth of the time.
    """
    if b"\\" in data:
        return [orjson.dumps(decoded(line))[1:-1] for line in lines]
    return orjson.dumps(decoded(data))[1:-1].split(b"\\n")
