"""Messages as the WebSocket frames that a server sends (RFC 6455, section 5.2). Pure.

messages -> headers -> TextFrames -> FrameWriter      the same ones for all who are sent them
"""

import struct
from dataclasses import dataclass
from typing import Final

_TEXT: Final = 0x81
"""First byte of a text frame that is a whole message."""

_SHORT, _MIDDLE, _LONG = (struct.Struct(f"!BB{size}").pack for size in ("", "H", "Q"))


@dataclass(frozen=True, slots=True)
class TextFrames:
    data: bytes
    """Headers and messages: one write sends them."""


def frame_header(length: int) -> bytes:
    """Not masked, and the length in as few bytes as it takes."""
    if length < 126:
        return _SHORT(_TEXT, length)
    if length < 1 << 16:
        return _MIDDLE(_TEXT, 126, length)
    return _LONG(_TEXT, 127, length)
