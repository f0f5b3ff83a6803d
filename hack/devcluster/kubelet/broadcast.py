"""Tell any number of waiters that something has changed."""

import asyncio


class Broadcast:
    def __init__(self) -> None:
        self._next = asyncio.Event()

    def next(self) -> asyncio.Event:
        """Set by the next fire(). To be taken before looking: a change after it is not missed."""
        return self._next

    def fire(self) -> None:
        self._next.set()
        self._next = asyncio.Event()
