"""A slice as notifications that are as long as a client wants them, all to one write. Pure.

Slice of up to BLOCK bytes -> chunk_block() -> TextFrames -> FrameWriter

To send four notifications costs little more than one: the work is in the calls, not in the bytes.
"""

from collections.abc import Callable

import orjson

from ccx_gateway.around_text import AroundText, place
from ccx_gateway.output_text import decoded
from ccx_gateway.output_window import LONGEST_CHARACTER, Slice
from ccx_gateway.text_frames import TextFrames, frame_header

Text = Callable[[bytes | memoryview], str]
"""Of output, as it stands in a message."""


def chunk_block(
    found: Slice, max_bytes: int, around: AroundText, *, text: Text = decoded
) -> TextFrames:
    """Each message is what `around.tell` says of as many whole lines as fit into `max_bytes`.

    A line that does not fit comes in pieces, truncated but for the last one.
    """
    data, view, start = found.data, memoryview(found.data), 0
    frames: list[bytes] = []
    while start < len(data):
        end = cut(data, start, start + max_bytes)
        is_piece = found.truncated if end == len(data) else data[end - 1] != 0x0A
        head, foot = around.of(found.stream, truncated=is_piece)
        body, at = (
            orjson.dumps(text(view[start:end])),
            place(found.offset + start, found.offset + end),
        )
        size = len(head) + len(body) + len(foot) + len(at)
        frames += (frame_header(size), head, body, foot, at)
        start = end
    return TextFrames(b"".join(frames))


def cut(data: bytes, start: int, limit: int) -> int:
    """Where a piece ends: at `limit` or before it, and in no character."""
    if limit >= len(data):
        return len(data)
    newline = data.rfind(b"\n", start, limit)
    if newline >= 0:
        return newline + 1
    for back in range(LONGEST_CHARACTER):
        if data[limit - back] & 0xC0 != 0x80:
            return limit - back
    return limit  # not UTF-8
