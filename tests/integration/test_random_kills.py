"""100 SIGKILLs of the operator at random moments, over many executions: one outcome each."""

import asyncio
import random
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from devcluster.history import Change
from support.operated import Gate, Ground, Stage, a_ground, a_stage, told_with

STAGES, KILLS, AT_ONCE = 2, 50, 10
"""Operators that die at the same time, each so often, with so many executions in work."""

SHORTEST, LONGEST, LONGER = 0.05, 1.2, 0.2
"""Seconds that an operator lives: too few for any work, or enough for some. On a machine so busy
that they are too few for everybody, each lives longer than the one before.
"""

Life = Callable[[Stage, str], Awaitable[str]]
"""Returns the outcome that it must have come to."""


async def plain(stage: Stage, name: str) -> str:
    await stage.create(name, command=runs_once(stage, name, "sleep 0.2"))
    return "Succeeded Completed"


async def fails(stage: Stage, name: str) -> str:
    await stage.create(name, command=runs_once(stage, name, "exit 3"))
    return "Failed ExitCode"


async def paused_and_resumed(stage: Stage, name: str) -> str:
    gate = Gate(stage.directory, name)
    await stage.create(name, command=gate.script())
    await stage.phase(name, "Running")
    await stage.wish(name, "Paused")
    await stage.phase(name, "Paused")
    await stage.wish(name, "Running")
    await stage.phase(name, "Running")
    await gate.open()
    return "Succeeded Completed"


async def cancelled(stage: Stage, name: str) -> str:
    await stage.create(name, command=runs_once(stage, name, "sleep 600"))
    await stage.phase(name, "Running")
    await stage.wish(name, "Cancelled")
    return "Cancelled CancelledByUser"


async def cancelled_before_its_start(stage: Stage, name: str) -> str:
    await stage.create(name, command=runs_once(stage, name, "sleep 600"))
    await stage.wish(name, "Cancelled")
    return "Cancelled CancelledByUser"


LABEL = "cc-executor.dev/execution"
LIVES: list[Life] = [plain, fails, paused_and_resumed, cancelled, cancelled_before_its_start]


def runs_once(stage: Stage, name: str, then: str) -> list[str]:
    return ["sh", "-c", f"echo $$ >> /{stage.directory}/{name}.runs; {then}"]


@pytest.mark.timeout(600)
async def test_every_execution_has_one_pod_and_its_own_outcome_whenever_the_operator_dies(
    tmp_path: Path,
) -> None:
    seed = secrets.randbits(32)
    async with asyncio.timeout(540), a_ground(tmp_path) as ground, asyncio.TaskGroup() as tasks:
        for number in range(STAGES):
            tasks.create_task(play(ground, seed + number))


async def play(ground: Ground, seed: int) -> None:
    chance, done = random.Random(seed), list[str]()
    async with a_stage(ground) as stage:
        made = pods_of(stage)
        with told_with(stage.directory / "operator.log", f"random.Random({seed})"):
            async with asyncio.TaskGroup() as tasks:
                killing = tasks.create_task(kill(stage, chance, done))
                for worker in range(AT_ONCE):
                    lives = random.Random(seed + worker)
                    tasks.create_task(work(stage, worker, killing, lives, done))
            owners = Counter(made.values())
            assert set(owners.values()) == {1}, owners
            assert stage.pods_made() == len(owners)


def pods_of(stage: Stage) -> dict[str, str]:
    """Whose every pod is that there will be, by its uid: one that is cancelled before its process
    starts does not stay.
    """
    made: dict[str, str] = {}

    def note(change: Change) -> None:
        metadata = change.object["metadata"]
        if change.resource == "pods" and metadata["namespace"] == stage.namespace:
            made[metadata["uid"]] = metadata["labels"][LABEL]

    stage.ground.cluster.store.listen(note)
    return made


async def kill(stage: Stage, chance: random.Random, done: list[str]) -> None:
    """Until enough executions have come to their end meanwhile for that to mean anything."""
    kills = 0
    while kills < KILLS or len(done) <= AT_ONCE:
        longest = LONGEST + LONGER * max(0, kills - KILLS)
        await asyncio.sleep(chance.uniform(SHORTEST, longest))
        stage.kill()
        stage.start()
        kills += 1


async def work(
    stage: Stage, worker: int, killing: "asyncio.Task[None]", chance: random.Random, done: list[str]
) -> None:
    """One execution after another, for as long as operators are killed."""
    number = 0
    while not killing.done():
        number += 1
        life, name = chance.choice(LIVES), f"w{worker}-{number}"
        outcome = await life(stage, name)
        execution = await stage.settled(name)
        status = execution["status"]
        assert f"{status['phase']} {status['reason']}" == outcome, (name, life.__name__, status)
        assert_once(stage, name)
        done.append(name)


def assert_once(stage: Stage, name: str) -> None:
    runs = stage.directory / f"{name}.runs"
    assert not runs.exists() or len(runs.read_text(encoding="utf-8").split()) == 1, name
    told = Counter(_transition(event) for event in stage.events(name))
    assert set(told.values()) <= {1}, (name, told)
    assert all(event["count"] == 1 for event in stage.events(name)), name


def _transition(event: dict[str, Any]) -> str:
    return f"{event['reason']} {event['message']}"
