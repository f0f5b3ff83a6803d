"""The message for the slice that was sent last: the viewers who are sent the same one share it.

It is encoded once where viewers go through the output together, as those do who keep up. Who is
elsewhere pays for his own, and the others once more. One message is held, of some 64 KiB.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from ccx_gateway.output_window import Slice

M = TypeVar("M")


class SharedFrame(Generic[M]):
    def __init__(self) -> None:
        self._made_of: tuple[Slice, int] | None = None
        self._frame: M

    def of(self, found: Slice, make: Callable[[], M], *, start: int = 0) -> M:
        """`start` tells several of one slice apart."""
        if self._made_of is None or self._made_of[0] is not found or self._made_of[1] != start:
            self._frame, self._made_of = make(), (found, start)
        return self._frame
