"""What has changed, kept for a while: the source of every watch.

Store -> Log of each resource (bounded) -> any number of Subscriptions, each a position in the log
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Literal

import orjson

Object = dict[str, Any]
ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]

HISTORY: Final = 10_000
"""Changes kept per resource. A watch or subscription that is further behind has to list again."""


class ExpiredError(Exception):
    """The changes since that version are no longer all in the history."""


@dataclass(frozen=True)
class Change:
    """One change, serialised at most once however many watches send it."""

    type: ChangeType
    resource: str
    version: int
    object: Object
    previous: Object | None = None

    @cached_property
    def json(self) -> bytes:
        return orjson.dumps(self.object)


class Log:
    """The newest changes of one resource, numbered, and who waits for the next."""

    def __init__(self, keep: int, began: int = 0) -> None:
        self.began = began
        """The version before which nothing is known."""
        self.changes: deque[Change] = deque(maxlen=keep)
        self.end = 0
        self.waiting: set[asyncio.Event] = set()

    @property
    def start(self) -> int:
        return self.end - len(self.changes)

    def append(self, change: Change) -> None:
        self.changes.append(change)
        self.end += 1
        for event in self.waiting:
            event.set()

    def position_after(self, version: int) -> int:
        if version < self.began:
            raise ExpiredError(f"too old resource version: {version} ({self.began})")
        for newer, change in enumerate(reversed(self.changes)):
            if change.version <= version:
                return self.end - newer
        if self.start > 0:
            raise ExpiredError(f"too old resource version: {version} ({self.changes[0].version})")
        return 0


class Subscription:
    """An async iterator of (type, object). It holds a position and no queue of its own."""

    def __init__(self, log: Log, since: int | None) -> None:
        self._log = log
        self._next = log.end if since is None else log.position_after(since)
        self._woken = asyncio.Event()
        self._closed = False

    def close(self) -> None:
        self._closed = True
        self._woken.set()

    def __aiter__(self) -> AsyncIterator[tuple[ChangeType, Object]]:
        return self

    async def __anext__(self) -> tuple[ChangeType, Object]:
        change = await self.next_change()
        if change is None:
            raise StopAsyncIteration
        return change.type, change.object

    async def next_change(self) -> Change | None:
        """The next change; None after close(); ExpiredError for a reader HISTORY changes behind."""
        while not self._closed:
            if self._next < self._log.start:
                raise ExpiredError(f"{self._log.start - self._next} changes are no longer kept")
            if self._next < self._log.end:
                self._next += 1
                return self._log.changes[self._next - 1 - self._log.start]
            await self._wait()
        return None

    async def _wait(self) -> None:
        self._woken.clear()
        self._log.waiting.add(self._woken)
        try:
            await self._woken.wait()
        finally:
            self._log.waiting.discard(self._woken)
