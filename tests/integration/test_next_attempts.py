"""What is wished of an execution holds for its next attempt, from the first instruction on."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.operated import Gate, Stage, a_ground, a_stage, told_with

NAME = "x"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with asyncio.timeout(180), a_ground(tmp_path) as ground, a_stage(ground) as stage:
        with told_with(stage.directory / "operator.log"):
            yield stage


async def test_an_attempt_that_follows_a_paused_one_starts_frozen(stage: Stage) -> None:
    gate = Gate(stage.directory, NAME)
    spec = {"backoffLimit": 1, "retryDelaySeconds": 0}
    await stage.create(NAME, command=gate.script(), **spec)
    await stage.phase(NAME, "Running")
    await stage.ground.until(gate.runs, "it waits at the gate")
    assert gate.left() == gate.runs()
    await stage.wish(NAME, "Paused")
    first = await stage.phase(NAME, "Paused")
    await stage.delete_pod(first["podName"])
    paused = await stage.attempt(NAME, 2, "Paused")
    assert paused["podName"] != first["podName"]
    assert paused["process"]["state"] == "Paused"
    assert len(gate.runs()) == 1  # not one instruction of the second
    await stage.wish(NAME, "Running")
    await gate.open()
    status = (await stage.settled(NAME))["status"]
    assert (status["phase"], status["attempts"], len(gate.runs())) == ("Succeeded", 2, 2)
