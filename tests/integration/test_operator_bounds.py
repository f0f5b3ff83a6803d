"""What an execution costs the API server, and how long an end may take: with a real operator."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from support.operated import Gate, Stage, a_ground, a_stage

DEAF = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]
GRACE, MORE = 2, 2


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with asyncio.timeout(180), a_ground(tmp_path) as ground, a_stage(ground) as stage:
        yield stage


async def test_a_plain_run_costs_four_writes_beside_finalizer_and_events(stage: Stage) -> None:
    gate = Gate(stage.directory, "plain")
    await stage.create("plain", command=gate.script())
    await stage.phase("plain", "Running")
    await gate.open()
    await stage.settled("plain")
    counted = stage.writes()
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
    await stage.create("deaf", command=DEAF, terminationGracePeriodSeconds=GRACE)
    await stage.phase("deaf", "Running")
    await stage.wish("deaf", "Cancelled")
    status = (await stage.settled("deaf"))["status"]
    assert (status["phase"], status["process"]["signal"]) == ("Cancelled", 9)
    asked = datetime.fromisoformat(status["control"]["deliveredAt"])
    gone = datetime.fromisoformat(status["completionTime"])
    assert (gone - asked).total_seconds() <= GRACE + MORE
