"""A slice as one notification for each of its lines, and many of those to a write. Pure.

Slice, a place in it -> line_block() -> LineBlock -> FrameWriter      and again from its `end` on

A slice of empty lines is 150 times its size as notifications: so a block has a size of its own.
"""

from dataclasses import dataclass
from typing import Final

import orjson

from ccx_gateway.around_text import Tell, around_the_text, place
from ccx_gateway.output_text import decoded
from ccx_gateway.output_window import Slice
from ccx_gateway.text_frames import frame_header

BLOCK: Final = 64 * 1024
"""Bytes of frames, and the one message that goes beyond."""


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
    head, foot = around_the_text(found.stream, tell)
    frames = bytearray()
    while True:
        end = data.find(b"\n", start) + 1 or stop
        line, offset = data[start:end], found.offset + start
        if found.truncated and end == stop:
            message = tell(Slice(offset, found.stream, line, truncated=True))
        else:
            at = place(offset, found.offset + end)
            message = head + orjson.dumps(decoded(line)) + foot + at
        if end == stop or len(frames) + len(message) >= size:
            return LineBlock(bytes(frames), message, end)
        frames += frame_header(len(message)) + message
        start = end
