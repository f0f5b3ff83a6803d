"""A slice as notifications that are as long as a client wants them, all to one write. Pure.

Slice of up to BLOCK bytes -> chunk_block() -> TextFrames -> FrameWriter

To send four notifications costs little more than one: the work is in the calls, not in the bytes.
"""

from collections.abc import Callable, Iterator

import orjson

from ccx_gateway.around_text import Tell, around_the_text, place
from ccx_gateway.output_text import decoded
from ccx_gateway.output_window import LONGEST_CHARACTER, Slice
from ccx_gateway.text_frames import TextFrames, text_frames

Text = Callable[[bytes | memoryview], str]
"""Of output, as it stands in a message."""


def chunk_block(found: Slice, max_bytes: int, tell: Tell, *, text: Text = decoded) -> TextFrames:
    """Each message is what `tell` says of as many whole lines as fit into `max_bytes`.

    A line that does not fit comes in pieces, truncated but for the last one.
    """
    if len(found.data) <= max_bytes:
        return text_frames([(tell(found),)])
    return text_frames(_messages(found, max_bytes, tell, text))


def _messages(found: Slice, max_bytes: int, tell: Tell, text: Text) -> Iterator[tuple[bytes, ...]]:
    data, view, start = found.data, memoryview(found.data), 0
    whole = around_the_text(found.stream, tell)
    while start < len(data):
        end = cut(data, start, start + max_bytes)
        is_piece = found.truncated if end == len(data) else data[end - 1] != 0x0A
        head, foot = around_the_text(found.stream, tell, truncated=True) if is_piece else whole
        at = place(found.offset + start, found.offset + end)
        yield head, orjson.dumps(text(view[start:end])), foot, at
        start = end


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
