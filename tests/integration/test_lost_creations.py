"""A pod whose creation was answered, but not to who asked for it: there is never a second one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.operated import AGENT, Gate, Stage, a_ground, a_stage, told_with

NAME = "x"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with asyncio.timeout(180), a_ground(tmp_path) as ground, a_stage(ground) as stage:
        with told_with(stage.directory / "operator.log"):
            yield stage


def lose_answers(stage: Stage, *, seconds: float) -> None:
    """To the creations of pods: each is carried out, and its connection is reset then."""
    fault = {"fault": "lost-answer", "verb": "create", "resource": "pods", "seconds": seconds}
    where = {"namespace": stage.namespace, "agent": AGENT, "subresource": "", "count": 1}
    stage.ground.cluster.faults.add(fault | where)


async def until_over(stage: Stage) -> str:
    """The pod's name."""

    def look() -> str | None:
        pods = [p for p in stage.pods() if p["status"].get("phase") == "Succeeded"]
        return pods[0]["metadata"]["name"] if pods else None

    return await stage.ground.until(look, "its process has ended")


async def test_one_that_is_there_is_found(stage: Stage) -> None:
    lose_answers(stage, seconds=0)
    gate = Gate(stage.directory, NAME)
    await stage.create(NAME, command=gate.script())
    await gate.open()
    status = (await stage.settled(NAME))["status"]
    assert (status["phase"], status["attempts"], len(gate.runs())) == ("Succeeded", 1, 1)
    assert stage.pods_made() == 1


async def test_one_that_has_ended_and_gone_before_anybody_looked_is_not_made_again(
    stage: Stage,
) -> None:
    lose_answers(stage, seconds=600)
    gate = Gate(stage.directory, NAME)
    await stage.create(NAME, command=gate.script())
    await gate.open()
    pod = await until_over(stage)
    stage.kill()
    await stage.delete_pod(pod)
    await stage.ground.until(lambda: not stage.pods(), "the pod is gone")
    stage.start()
    status = (await stage.settled(NAME))["status"]
    assert (status["phase"], status["reason"]) == ("Succeeded", "Completed")
    assert (status["attempts"], status["process"]["exitCode"]) == (1, 0)
    assert (stage.pods_made(), len(gate.runs())) == (1, 1)
