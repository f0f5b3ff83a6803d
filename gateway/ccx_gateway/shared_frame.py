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
        self._frame: M | None = None

    def of(self, found: Slice, make: Callable[[Slice], M], *, key: int = 0) -> M:
        """`key` tells several of one slice apart: where they begin, how long they are."""
        frame, made_of = self._frame, self._made_of
        if frame is None or made_of is None or made_of[0] is not found or made_of[1] != key:
            frame = self._frame = None  # the next one takes its place in memory, still in the cache
            frame, self._made_of = make(found), (found, key)
            self._frame = frame
        return frame
