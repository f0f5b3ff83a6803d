"""One reader's place in the output, and how many bytes it is ready to take. Sans-IO.

A viewer is two integers, not a queue: a slow one costs nothing and holds back nobody.
"""

from typing import Final

from ccx_gateway.output_window import (
    CAUGHT_UP,
    LONGEST_CHARACTER,
    Behind,
    CaughtUp,
    Gap,
    OutputWindow,
    Slice,
)

MAX_NOTIFICATION: Final = 64 * 1024
BLOCK: Final = 288 * 1024
"""What is sent at once where there is so much: asyncio reads 256 KiB at a time, and a line may have
begun before."""


class Viewer:
    def __init__(
        self, cursor: int = 0, credit: int | None = 0, *, max_bytes: int = MAX_NOTIFICATION
    ) -> None:
        """No credit, None, is no limit: the awaited send alone holds such a viewer back."""
        self.cursor = cursor
        self.credit = credit
        self._max_bytes = max_bytes

    @property
    def allowance(self) -> int:
        """The size of the next slice; 0 where not even one character may be sent."""
        if self.credit is None:
            return self._max_bytes
        return min(self.credit, self._max_bytes) if self.credit >= LONGEST_CHARACTER else 0

    def grant(self, count: int) -> None:
        if self.credit is not None:
            self.credit += count

    def look(self, window: OutputWindow) -> Slice | Gap | Behind | CaughtUp:
        """A gap costs no credit, but it waits for some, as what is behind it does."""
        allowance = self._max_bytes if self.credit is None else self.allowance
        return window.read(self.cursor, allowance) if allowance else CAUGHT_UP

    def accept(self, found: Slice | Gap) -> tuple[Gap | Slice, ...]:
        """Move past `found`, and return what to send: what is missing before it is a gap."""
        place = self.cursor
        self.take(found)
        return (found,) if place == found.offset else (Gap(place, found.offset), found)

    def take(self, found: Slice | Gap) -> None:
        """Move past it."""
        self.cursor = found.end
        if self.credit is not None and isinstance(found, Slice):
            self.credit -= len(found.data)

    def has_all(self, window: OutputWindow) -> bool:
        return window.ended and self.cursor >= window.end
