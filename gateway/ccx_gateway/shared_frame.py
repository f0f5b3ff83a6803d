"""The messages for what was sent lately: the viewers who are sent the same ones share them.

Those who keep up go through the output together: what is encoded for one serves all of them, and
nothing else is held, so that the next one takes its place in memory, still in the cache. Who is a
little behind goes the same way a little later: for him what was encoded is kept meanwhile. Who is
elsewhere pays for his own.
"""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

from ccx_gateway.output_window import Slice

KEPT: Final = 1024 * 1024
"""Bytes of output whose messages are held at most, and one slice more."""

M = TypeVar("M")


class SharedFrame(Generic[M]):
    def __init__(self, last_before: Callable[[int], int | None] = lambda _: None) -> None:
        """Where the last of those is who have yet to come past an offset, and are near it."""
        self._last_before = last_before
        self._frames: dict[tuple[int, int, bool, int], M] = {}
        self._held = 0

    def of(self, found: Slice, make: Callable[[Slice], M], *, key: int = 0) -> M:
        """`key` tells several of one slice apart: where they begin, how long they are."""
        place = (found.offset, len(found.data), found.truncated, key)
        frame = self._frames.get(place)
        if frame is None:
            self._make_room(found.offset)
            frame = self._frames[place] = make(found)
            self._held += len(found.data)
        return frame

    def _make_room(self, offset: int) -> None:
        last = self._last_before(offset)
        while self._frames:
            start, size, *_ = oldest = next(iter(self._frames))
            if last is not None and start + size > last and self._held <= KEPT:
                return
            del self._frames[oldest]
            self._held -= size
