"""A slice as one notification for each of its lines, and many of those to a write. Pure.

Slice, a place in it -> line_block() -> LineBlock -> FrameWriter      and again from its `end` on

A slice of empty lines is 150 times its size as notifications: so a block has a size of its own.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import orjson

from ccx_gateway.output_text import decoded
from ccx_gateway.output_window import Slice

BLOCK: Final = 64 * 1024
"""Bytes of frames, and the one message that goes beyond."""

_TEXT: Final = 0x81
"""First byte of a text frame that is a whole message."""

_SHORT, _MIDDLE, _LONG = (struct.Struct(f"!BB{size}").pack for size in ("", "H", "Q"))

Tell = Callable[[Slice], bytes]
"""The message for a slice."""


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
    head, foot = _around_the_text(found, tell)
    frames = bytearray()
    while True:
        end = data.find(b"\n", start) + 1 or stop
        line, offset = data[start:end], found.offset + start
        if found.truncated and end == stop:
            message = tell(Slice(offset, found.stream, line, truncated=True))
        else:
            place = b'"offset":%d,"end":%d}}' % (offset, found.offset + end)
            message = head + orjson.dumps(decoded(line)) + foot + place
        if end == stop or len(frames) + len(message) >= size:
            return LineBlock(bytes(frames), message, end)
        frames += frame_header(len(message)) + message
        start = end


def frame_header(length: int) -> bytes:
    """Of a text frame from the server: not masked, and the length in as few bytes as it takes."""
    if length < 126:
        return _SHORT(_TEXT, length)
    if length < 1 << 16:
        return _MIDDLE(_TEXT, 126, length)
    return _LONG(_TEXT, 127, length)


def _around_the_text(found: Slice, tell: Tell) -> tuple[bytes, bytes]:
    """What the messages of whole lines have in common: to put it together anew for each would
    take twice as long.
    """
    message = tell(Slice(0, found.stream, b""))
    head, key, rest = message.partition(b'"data":')
    foot, place, _ = rest.removeprefix(b'""').rpartition(b'"offset":0,"end":0}}')
    assert key
    assert place
    return head + key, foot
