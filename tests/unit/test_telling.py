"""Events beside the work: in order, bounded, and of no consequence to anything else."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from ccx_operator.telling import ROOM, Telling


class Namespace:
    """Where Events are posted: it refuses or hangs as told."""

    def __init__(self) -> None:
        self.posted: list[str] = []
        self.counted: list[str] = []
        self.refuses: set[str] = set()
        self.hangs: set[str] = set()
        self.telling = Telling(self.post, self.counted.append, post_seconds=0.01)

    def tell(self, *reasons: str) -> None:
        for reason in reasons:
            self.telling.tell("ns", {"reason": reason})

    async def post(self, namespace: str, event: dict[str, Any]) -> None:
        if event["reason"] in self.refuses:
            raise ConnectionError
        if event["reason"] in self.hangs:
            await asyncio.Event().wait()
        self.posted.append(f"{namespace}/{event['reason']}")


@asynccontextmanager
async def a_namespace() -> AsyncIterator[Namespace]:
    namespace = Namespace()
    task = asyncio.create_task(namespace.telling.run())
    try:
        yield namespace
    finally:
        task.cancel()
        await asyncio.wait([task])


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110  bounded
            await asyncio.sleep(0)


async def test_events_are_told_in_their_order() -> None:
    async with a_namespace() as namespace:
        namespace.tell("A", "B", "C")
        await until(lambda: len(namespace.posted) == 3)
    assert namespace.posted == ["ns/A", "ns/B", "ns/C"]


async def test_one_that_is_refused_or_unanswered_does_not_keep_back_the_next() -> None:
    async with a_namespace() as namespace:
        namespace.refuses, namespace.hangs = {"A"}, {"B"}
        namespace.tell("A", "B", "C")
        await until(lambda: len(namespace.counted) == 3)
    assert namespace.posted == ["ns/C"]


async def test_what_finds_no_room_is_left_out_and_counted() -> None:
    namespace = Namespace()  # nobody posts
    namespace.tell(*(str(number) for number in range(ROOM + 2)))
    assert namespace.counted == ["LeaveOutEvent"] * 2
