"""How long the oldest of a changing set has been in it, told at once.

A heap by time of entry. What has left stays in it until it comes to the top, or until that is
most of the heap: it is never more than twice as long as the set.
"""

import heapq
import threading
from collections.abc import Callable
from typing import Final

_SMALL: Final = 64


class Oldest:
    """Changed by the event loop, asked by the thread that serves metrics."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._lock = threading.Lock()

    def add(self, key: str, since: float) -> None:
        with self._lock:
            self._since[key] = since
            heapq.heappush(self._heap, (since, key))
            if len(self._heap) > 2 * len(self._since) + _SMALL:
                self._heap = [(since, key) for key, since in self._since.items()]
                heapq.heapify(self._heap)

    def forget(self, key: str) -> None:
        with self._lock:
            self._since.pop(key, None)

    def seconds(self) -> float:
        """0 where there is none."""
        with self._lock:
            while self._heap and self._since.get(self._heap[0][1]) != self._heap[0][0]:
                heapq.heappop(self._heap)
            return max(0.0, self._clock() - self._heap[0][0]) if self._heap else 0.0
