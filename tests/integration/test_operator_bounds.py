"""What an execution costs the API server, and how long an end may take: with a real operator."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from support.operated import Gate, Ground, Stage, a_ground, a_stage

PLAIN_RUNS = 5
"""Of which one must be plain."""

DEAF = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]
GRACE, MORE, DEAF_RUNS = 2, 2, 3
"""Seconds; and runs, of which one must be as quick as that: a busy machine may hold up another."""

PATIENCE = 20
"""Seconds for any of them: more would be the operator's own, with which it deletes the pod."""


@pytest.fixture
async def ground(tmp_path: Path) -> AsyncIterator[Ground]:
    async with asyncio.timeout(240), a_ground(tmp_path) as ground:
        yield ground


@pytest.fixture
async def stage(ground: Ground) -> AsyncIterator[Stage]:
    async with a_stage(ground) as stage:
        yield stage


async def a_plain_run(ground: Ground) -> Counter[str] | None:
    """What it has cost. None: its runner did not answer the first look, as may happen where the
    machine is busy; its process is then told of in a write of its own.
    """
    async with a_stage(ground) as stage:
        gate = Gate(stage.directory, "plain")
        await stage.create("plain", command=gate.script())
        began = await stage.phase("plain", "Running")
        await gate.open()
        await stage.settled("plain")
        await stage.told("plain", "PodCreated", "Started", "Completed")
        return stage.writes() if "process" in began else None


async def test_a_plain_run_costs_four_writes_beside_finalizer_and_events(ground: Ground) -> None:
    counted = None
    for _ in range(PLAIN_RUNS):
        if (counted := await a_plain_run(ground)) is not None:
            break
    assert counted is not None, "no runner has answered the first look"
    print(f"writes of a plain run: {dict(counted)}")
    assert counted.pop("patch claudeexecutions") == 2  # the finalizer comes and goes
    assert counted.pop("create events") == 3  # PodCreated, Started, Completed
    assert counted.pop("create configmaps") == 1  # its usage, before the finalizer goes
    assert counted == {"create pods": 1, "patch claudeexecutions/status": 3}


async def test_an_operator_that_finds_nothing_changed_writes_nothing(stage: Stage) -> None:
    gates = {name: Gate(stage.directory, name) for name in ("runs", "over")}
    for name, gate in gates.items():
        await stage.create(name, command=gate.script())
        await stage.phase(name, "Running")
        await stage.process(name)
    await gates["over"].open()
    await stage.settled("over")
    await stage.create("held", command=["true"], suspend=True)
    await stage.ground.until(lambda: stage.events("held"), "all is told")
    before = stage.writes()

    stage.kill()
    stage.start()
    await stage.create("later", command=["true"], suspend=True)
    await stage.ground.until(lambda: stage.events("later"), "the others were looked at before")
    cost = stage.writes() - before
    assert cost == {"patch claudeexecutions/status": 1, "create events": 1}


async def test_a_process_that_ignores_term_is_gone_within_its_grace_and_two_seconds(
    stage: Stage,
) -> None:
    took = [await seconds_to_the_end_of_a_deaf_one(stage, f"deaf-{n}") for n in range(DEAF_RUNS)]
    assert max(took) <= GRACE + PATIENCE
    assert min(took) <= GRACE + MORE, took


async def seconds_to_the_end_of_a_deaf_one(stage: Stage, name: str) -> float:
    """From the delivery of its cancel."""
    await stage.create(name, command=DEAF, terminationGracePeriodSeconds=GRACE)
    await stage.phase(name, "Running")
    await stage.wish(name, "Cancelled")
    status = (await stage.settled(name))["status"]
    assert (status["phase"], status["process"]["signal"]) == ("Cancelled", 9)
    asked = datetime.fromisoformat(status["control"]["deliveredAt"])
    return (datetime.fromisoformat(status["completionTime"]) - asked).total_seconds()
