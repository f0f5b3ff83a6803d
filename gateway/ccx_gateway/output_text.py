"""The text of a notification: what a process printed, as JSON can carry it. Pure."""

from base64 import b64encode
from typing import Final

from ccx_gateway.output_window import Slice
from ccx_gateway.view import Encoding

_SAMPLE: Final = 2048
_ENOUGH: Final = 4
"""Lines in a sample from which the rest may be reckoned."""


def text_of(found: Slice, encoding: Encoding = "utf-8") -> str:
    """Bytes that are not UTF-8 are replaced, one U+FFFD for each broken sequence.

    So the text's length says nothing of the bytes: `offset` and `end` do. No character is split
    over two slices but by the process itself, or by an offset that a client chose. Base64 is
    exact.
    """
    return decoded(found.data) if encoding == "utf-8" else b64encode(found.data).decode("ascii")


def decoded(data: bytes | memoryview) -> str:
    return str(data, "utf-8", "replace")


def lines_in(data: bytes) -> int:
    """How many lines end in it: reckoned from its beginning where they are many and short.

    To count those of 64 KiB costs more than all else that is done to them.
    """
    if len(data) > _SAMPLE:
        sampled = data.rfind(b"\n", 0, _SAMPLE) + 1
        lines = data.count(b"\n", 0, sampled)
        if lines >= _ENOUGH:
            return round(lines * len(data) / sampled)
    return data.count(b"\n")
