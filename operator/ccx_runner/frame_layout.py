"""How the frames of a link look in bytes: their header, their numbers, and their bounds."""

import struct
from typing import Final

from ccx_runner.frame_types import MAX_OUTPUT

MAX_PAYLOAD: Final = MAX_OUTPUT + 16
MAX_NUMBER: Final = 2**64 - 1
MAX_ID: Final = 128
"""Characters of a request's id: its reply must fit into a frame."""


HEADER: Final = struct.Struct(">BI")
"""Type, and length of the payload."""

OUTPUT: Final = struct.Struct(">QB")
OUTPUT_HEAD: Final = struct.Struct(">BIQB")
"""The header, and what of the payload comes before the data."""

GAP: Final = struct.Struct(">QQ")
CREDIT: Final = struct.Struct(">Q")


class FrameError(ValueError):
    """The peer does not keep to the protocol; its link ends."""
