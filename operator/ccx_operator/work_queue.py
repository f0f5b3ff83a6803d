"""A work queue of keys: one worker a key, queued once, retried further and further apart.

    add() ──────────────────> [ready] -> get() -> work -> done()
    add_after(), a failure -> [timers] ┘

`Schedule` is the bookkeeping: time comes in as a value. `WorkQueue` adds the clock and the wait.
It holds at most one ready entry and one live timer a key, so it is as long as there are keys.
"""

import asyncio
import heapq
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

Key = str

SHORTEST_WAIT = 0.05
"""Seconds between two looks at a key at which nothing has happened."""


class Work(Protocol):
    """What metrics ask of a queue."""

    @property
    def depth(self) -> int: ...
    @property
    def adds(self) -> int: ...
    @property
    def retries(self) -> int: ...


class Schedule:
    def __init__(self, *, first_delay: float = 0.5, longest_delay: float = 60.0) -> None:
        self._first_delay, self._longest_delay = first_delay, longest_delay
        self._ready: OrderedDict[Key, None] = OrderedDict()
        self._in_work: set[Key] = set()
        self._changed_in_work: set[Key] = set()
        self._timers: list[tuple[float, Key]] = []
        self._due: dict[Key, float] = {}
        self._failures = Counter[Key]()
        self.adds = self.retries = 0
        """How many keys have become ready, and how many have failed."""

    @property
    def depth(self) -> int:
        """How many keys wait for a worker now."""
        return len(self._ready)

    def add(self, key: Key) -> None:
        if key in self._in_work:
            self._changed_in_work.add(key)
        elif key not in self._ready:
            self._ready[key] = None
            self.adds += 1

    def add_at(self, key: Key, when: float) -> None:
        """Of several times for one key the earliest counts: a wake-up too early does no harm."""
        if when < self._due.get(key, math.inf):
            self._due[key] = when
            heapq.heappush(self._timers, (when, key))

    def retry(self, key: Key, now: float) -> None:
        """A fresh add() does not wait for this: CANCEL must get through to a failing key."""
        doublings = min(self._failures[key], 30)  # 2**30 is past any cap, 2**1024 past a float
        self._failures[key] += 1
        self.retries += 1
        self.add_at(key, now + min(self._first_delay * 2**doublings, self._longest_delay))

    def forget_failures(self, key: Key) -> None:
        del self._failures[key]

    def take(self, now: float) -> Key | None:
        while self._timers and self._timers[0][0] <= now:
            when, key = heapq.heappop(self._timers)
            if self._due.get(key) == when:  # else an earlier one has replaced it
                del self._due[key]
                self.add(key)
        if not self._ready:
            return None
        key, _ = self._ready.popitem(last=False)
        self._in_work.add(key)
        return key

    def done(self, key: Key) -> None:
        self._in_work.discard(key)
        if key in self._changed_in_work:
            self._changed_in_work.discard(key)
            self.add(key)

    def next_timer(self) -> float | None:
        return self._timers[0][0] if self._timers else None


class WorkQueue:
    def __init__(
        self, schedule: Schedule | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._schedule, self._clock = schedule or Schedule(), clock
        self._changed = asyncio.Event()

    @property
    def depth(self) -> int:
        return self._schedule.depth

    @property
    def adds(self) -> int:
        return self._schedule.adds

    @property
    def retries(self) -> int:
        return self._schedule.retries

    def add(self, key: Key) -> None:
        self._schedule.add(key)
        self._changed.set()

    def add_after(self, key: Key, seconds: float) -> None:
        """At once would be a loop without a pause, should nothing change meanwhile."""
        self._schedule.add_at(key, self._clock() + max(seconds, SHORTEST_WAIT))
        self._changed.set()

    def done(self, key: Key, *, failed: bool) -> None:
        if failed:
            self._schedule.retry(key, self._clock())
        else:
            self._schedule.forget_failures(key)
        self._schedule.done(key)
        self._changed.set()

    async def hand_out(
        self, work: Callable[[Key], Coroutine[Any, Any, None]], workers: int
    ) -> None:
        """Each key to `work`, which ends with done(); so many at a time, until cancelled."""
        free = asyncio.Semaphore(workers)
        async with asyncio.TaskGroup() as tasks:
            while True:
                await free.acquire()
                task = tasks.create_task(work(await self.get()))
                task.add_done_callback(lambda _: free.release())

    async def get(self) -> Key:
        """Wait for a key. For one caller, such as hand_out()."""
        while (key := self._schedule.take(self._clock())) is None:
            self._changed.clear()
            timer = self._schedule.next_timer()
            try:
                async with asyncio.timeout(None if timer is None else timer - self._clock()):
                    await self._changed.wait()
            except TimeoutError:
                pass
        return key
