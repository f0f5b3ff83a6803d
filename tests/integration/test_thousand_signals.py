"""1,000 signals to 1,000 executions at once: each reaches its runner once and is carried out once.

Operator, API server, pods and links are real ones; the runners behind the links are played.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from pathlib import Path

import pytest

from support.operated import Stage, a_ground, a_stage, told_with
from support.played_node import PlayedNode

AT_A_TIME = 50
"""Connections of the users: the operator has a thousand wishes long before it is through."""

SIGNALS = {"pause": 400, "resume": 300, "cancel": 300}
FIRST = {"pause": "Running", "resume": "Paused", "cancel": "Running"}
WANTED = {"pause": "Paused", "resume": "Running", "cancel": "Cancelled"}


@pytest.mark.timeout(600)
async def test_each_of_a_thousand_signals_is_carried_out_once(tmp_path: Path) -> None:
    node, names = PlayedNode(), named()
    async with asyncio.timeout(540), a_ground(tmp_path, node=node) as ground:
        node.serve(ground.cluster.store)
        async with a_stage(ground) as stage:
            with told_with(stage.directory / "operator.log"):
                await many(
                    stage.create(name, command=["work"], desiredState=FIRST[verb])
                    for name, verb in names.items()
                )
                for name, verb in names.items():
                    await stage.phase(name, FIRST[verb])
                assert not any(runner.told for runner in node.runners.values())

                await many(stage.wish(name, WANTED[verb]) for name, verb in names.items())
                for name, verb in names.items():
                    await stage.phase(name, WANTED[verb])
                await at_rest(stage)
    told = {name: node.runners[name].told for name in names}
    assert told == {name: [(verb, 2)] for name, verb in names.items()}
    assert told == {name: node.runners[name].carried_out for name in names}


def named() -> dict[str, str]:
    """Which signal each gets: all kinds in turn."""
    queues = [[verb] * count for verb, count in SIGNALS.items()]
    verbs = [verb for queue in queues for verb in queue]
    return {f"x{number}": verb for number, verb in enumerate(verbs)}


async def many(calls: Iterable[Awaitable[object]]) -> None:
    waiting = iter(list(calls))

    async def work() -> None:
        for call in waiting:
            await call

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_A_TIME):
            tasks.create_task(work())


async def at_rest(stage: Stage) -> None:
    """The operator has written nothing for a second: a second messenger would have come by now."""
    before = None
    while before != (before := stage.writes().total()):  # noqa: ASYNC110 - silence tells nobody
        await asyncio.sleep(1)
