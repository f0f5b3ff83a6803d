"""The operator is killed behind every write of an execution's life: nothing is lost or done twice.

devcluster carries the n-th write out and keeps the answer -> SIGKILL -> another operator -> the end
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from devcluster.faults import Fault
from support.operated import POLL_SECONDS, Gate, Ground, Stage, a_ground, a_stage, told_with

NAME = "x"
AT_ONCE = 6

Life = Callable[[Stage, Gate], Coroutine[Any, Any, None]]


async def plain(stage: Stage, gate: Gate) -> None:
    await stage.create(NAME, command=gate.script())
    await stage.phase(NAME, "Running")
    await gate.open()
    await stage.settled(NAME)


async def paused_and_resumed(stage: Stage, gate: Gate) -> None:
    await stage.create(NAME, command=gate.script())
    await stage.phase(NAME, "Running")
    await stage.wish(NAME, "Paused")
    await stage.phase(NAME, "Paused")
    await stage.wish(NAME, "Running")
    await stage.reason(NAME, "Resumed")
    await gate.open()
    await stage.settled(NAME)


async def held_and_let_go(stage: Stage, gate: Gate) -> None:
    await stage.create(NAME, command=gate.script(), suspend=True)
    await stage.reason(NAME, "Suspended")
    await stage.change(NAME, suspend=False)
    await stage.phase(NAME, "Running")
    await gate.open()
    await stage.settled(NAME)


async def cancelled(stage: Stage, gate: Gate) -> None:
    await stage.create(NAME, command=gate.script())
    await stage.phase(NAME, "Running")
    await stage.wish(NAME, "Cancelled")
    await stage.settled(NAME)


async def cancelled_at_its_start(stage: Stage, gate: Gate) -> None:
    await stage.create(NAME, command=gate.script())
    await stage.ground.until(stage.pods, "a pod")
    await stage.wish(NAME, "Cancelled")
    await stage.settled(NAME)


async def deleted(stage: Stage, gate: Gate) -> None:
    await stage.create(NAME, command=gate.script())
    await stage.phase(NAME, "Running")
    await stage.delete(NAME)
    await stage.gone(NAME)
    await stage.ground.until(lambda: not stage.pods(), "the pod is gone")


async def lost_and_tried_again(stage: Stage, gate: Gate) -> None:
    await stage.create(NAME, command=gate.script(), backoffLimit=1, retryDelaySeconds=0)
    first = await stage.phase(NAME, "Running")
    await stage.delete_pod(first["podName"])
    await stage.attempt(NAME, 2, "Running")
    await gate.open()
    await stage.settled(NAME)


async def suspended_and_let_go_on(stage: Stage, gate: Gate) -> None:
    workspace = {"volumeClaimTemplate": {"storage": "1Mi"}}
    await stage.create(NAME, command=gate.script(), workspace=workspace)
    await stage.phase(NAME, "Running")
    await stage.change(NAME, suspend=True)
    await stage.attempt(NAME, 2, "Queued")
    await stage.change(NAME, suspend=False)
    await stage.attempt(NAME, 2, "Running")
    await gate.open()
    await stage.settled(NAME)


LIVES = [
    *(plain, paused_and_resumed, held_and_let_go, cancelled, cancelled_at_its_start, deleted),
    *(lost_and_tried_again, suspended_and_let_go_on),
]
RACES = {cancelled_at_its_start}
"""Its process may have begun or not: both are right."""


@dataclass(frozen=True)
class End:
    """What must be the same, whenever the operator died."""

    phase: str
    reason: str
    exit_code: int | None
    bytes: int | None
    conditions: tuple[tuple[str, str], ...]
    runs: int


@dataclass(frozen=True)
class Lived:
    end: End
    told: list[str]
    pods_made: int
    attempts: int
    recorded: int
    """How many ends the record of the namespace's usage counts."""

    writes: int
    struck: bool


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
async def test_the_end_is_the_same_and_nothing_happens_twice(life: Life, tmp_path: Path) -> None:
    async with asyncio.timeout(280), a_ground(tmp_path) as ground:
        undisturbed = await live(ground, life, None)
        places, numbers = asyncio.Semaphore(AT_ONCE), iter(count(1))
        writes = [next(numbers) for _ in range(undisturbed.writes)]
        async with asyncio.TaskGroup() as tasks:
            for number in writes:
                tasks.create_task(crash(ground, life, number, undisturbed, places))
        for number in numbers:  # a run may have had one write more
            if not await crash(ground, life, number, undisturbed, places):
                break


async def crash(
    ground: Ground, life: Life, number: int, undisturbed: Lived, places: asyncio.Semaphore
) -> bool:
    """Whether there was such a write."""
    async with places:
        lived = await live(ground, life, number)
    where = f"killed behind write number {number}"
    assert (lived.end.phase, lived.end.reason) == (undisturbed.end.phase, undisturbed.end.reason)
    assert life in RACES or lived.end == undisturbed.end, where
    assert lived.pods_made == undisturbed.pods_made == lived.attempts, where
    assert lived.recorded == 1, where
    assert lived.end.runs <= lived.attempts, where
    allowed = Counter(set(lived.told) if life in RACES else undisturbed.told)
    assert not Counter(lived.told) - allowed, where
    return lived.struck


async def live(ground: Ground, life: Life, number: int | None) -> Lived:
    async with a_stage(ground) as stage:
        gate = Gate(stage.directory, NAME)
        with told_with(stage.directory / "operator.log"):
            fault = None if number is None else stage.lose_answer(after=number - 1)
            living = asyncio.create_task(life(stage, gate))
            try:
                struck = fault is not None and await is_struck(fault, living)
                if struck:
                    stage.kill()
                    stage.start()
                await living
            finally:
                living.cancel()
            assert gate.left() == []
            end, writes = the_end(stage, gate), stage.writes().total()
            made, attempts = stage.pods_made(), stage.status(NAME).get("attempts", 1)
            if number is None:
                await all_is_told(stage)
            return Lived(end, told(stage), made, attempts, stage.ends_recorded(), writes, struck)


async def is_struck(fault: Fault, living: "asyncio.Task[None]") -> bool:
    while not fault.is_carried_out and not living.done():  # noqa: ASYNC110 - it tells nobody
        await asyncio.sleep(POLL_SECONDS)
    return fault.is_carried_out


def the_end(stage: Stage, gate: Gate) -> End:
    status: dict[str, Any] = stage.status(NAME)
    conditions = ((c["type"], c["status"]) for c in status.get("conditions", ()))
    return End(
        status.get("phase", "gone"),
        status.get("reason", ""),
        status.get("process", {}).get("exitCode"),
        status.get("output", {}).get("bytes"),
        tuple(sorted(conditions)),
        len(gate.runs()),
    )


async def all_is_told(stage: Stage) -> None:
    """Events are told beside the work, in their order: what was to be told before this one is."""
    await stage.create("last", command=["true"], suspend=True)
    await stage.ground.until(lambda: stage.events("last"), "it is told of the last one")


def told(stage: Stage) -> list[str]:
    """Each Event as often as it was told."""
    return [event["reason"] for event in stage.events(NAME) for _ in range(event["count"])]
