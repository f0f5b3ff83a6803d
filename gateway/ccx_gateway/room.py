"""Bound what one client may have in work: so many frames, and so many bytes of them together."""

import asyncio
import sys


class Room:
    """For one who enters at a time, and many who leave."""

    def __init__(self, *, frames: int, size: int) -> None:
        self._frames_left, self._left = frames, size
        self._size = size
        self._has_left: asyncio.Future[None] | None = None

    async def enter(self, size: int) -> None:
        """Wait until there is room. What is larger than the whole room has it for itself."""
        size = min(size, self._size)
        while not self._frames_left or size > self._left:
            self._has_left = asyncio.get_running_loop().create_future()
            await self._has_left
        self._frames_left -= 1
        self._left -= size

    def leave(self, size: int) -> None:
        self._frames_left += 1
        self._left += min(size, self._size)
        if self._has_left is not None and not self._has_left.done():
            self._has_left.set_result(None)


def size_of(text: str) -> int:
    """In memory: a single character beyond the BMP makes all of them four bytes."""
    return sys.getsizeof(text)
