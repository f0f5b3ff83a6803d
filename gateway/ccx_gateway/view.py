"""How one client wants one execution's output: how much, and in what form. Pure."""

from dataclasses import dataclass
from typing import Final, Literal

from ccx_gateway.output_mode import OutputMode
from ccx_gateway.viewer import BLOCK, MAX_NOTIFICATION

Encoding = Literal["utf-8", "base64"]

LEAST_LINE: Final = 1024
MOST_LINE: Final = 512 * 1024
"""Bounds of maxLineBytes. Window and spool reader hold a line of that size before it is sent."""


@dataclass(frozen=True, slots=True)
class View:
    credit: int | None = None
    """Bytes to be sent before more are granted. None: all that there is."""

    mode: OutputMode = "chunks"
    encoding: Encoding = "utf-8"
    max_bytes: int = MAX_NOTIFICATION
    """Of one notification, so of one line."""

    @property
    def is_text_by_chunks(self) -> bool:
        return self.mode == "chunks" and self.encoding == "utf-8"

    @property
    def most_at_once(self) -> int:
        """Text by chunks goes several notifications to a write."""
        return max(BLOCK, self.max_bytes) if self.is_text_by_chunks else self.max_bytes
