"""Answers that are kept for a while; a question that is being asked is not asked again.

get(key, ask) -> kept and fresh? -> the answer
                 being asked?    -> wait for it
                 else            -> ask(), keep

Bounded: the answers that are kept (the longest unused goes first), the questions that are open,
and the age of an answer, which counts from when it was asked for.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

KEPT_SECONDS: Final = 60.0
MAX_ASKING: Final = 64
"""Different questions at once. More come only from somebody who tries many tokens."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Known(Generic[V]):
    value: V
    until: float
    """By the clock: when it is to be asked again."""


class TooManyQuestionsError(Exception):
    """As many as MAX_ASKING wait for an answer already."""


class RecentAnswers(Generic[K, V]):
    def __init__(
        self,
        *,
        size: int,
        seconds: float = KEPT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._size, self._seconds, self._clock = size, seconds, clock
        self._known = OrderedDict[K, Known[V]]()
        self._asking: dict[K, asyncio.Task[Known[V]]] = {}

    def __len__(self) -> int:
        return len(self._known)

    async def get(self, key: K, ask: Callable[[], Awaitable[V]]) -> Known[V]:
        """What ask() raises is raised to all who wait for it, and not kept."""
        known = self._known.get(key)
        if known is not None and self._clock() < known.until:
            self._known.move_to_end(key)
            return known
        if (asking := self._asking.get(key)) is None:
            if len(self._asking) >= MAX_ASKING:
                raise TooManyQuestionsError
            asking = self._asking[key] = asyncio.create_task(self._ask(ask))
            asking.add_done_callback(lambda task: self._answered(key, task))
        return await asyncio.shield(asking)  # one who leaves takes the answer from nobody

    async def _ask(self, ask: Callable[[], Awaitable[V]]) -> Known[V]:
        until = self._clock() + self._seconds
        return Known(await ask(), until)

    def _answered(self, key: K, task: "asyncio.Task[Known[V]]") -> None:
        del self._asking[key]
        if task.cancelled() or task.exception() is not None:
            return
        self._known[key] = task.result()
        self._known.move_to_end(key)
        while len(self._known) > self._size:
            self._known.popitem(last=False)
