"""Faults of the node on request, with real processes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devcluster.ports import NodeError
from support.node import (
    RunningNode,
    a_mark,
    condition,
    has_phase,
    marked,
    running_node,
    state,
    until_marked,
)
from support.pods import a_container, a_pod, a_shell, a_stubborn


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[RunningNode]:
    async with running_node(tmp_path) as node:
        yield node


async def test_a_pod_that_is_out_of_memory_is_killed_and_says_so(node: RunningNode) -> None:
    mark = a_mark()
    node.create(a_pod(a_stubborn(mark)))
    await until_marked(mark, 4)
    node.annotate("oom")
    ended = state(await node.until(has_phase("Failed")))[1]
    assert (ended["exitCode"], ended["reason"]) == (137, "OOMKilled")
    assert marked(mark) == 0


async def test_a_fault_that_is_asked_for_before_the_start_strikes_too(node: RunningNode) -> None:
    node.create(a_pod(a_container("sleep", "3600"), annotations={"devcluster/fault": "oom"}))
    assert state(await node.until(has_phase("Failed")))[1]["reason"] == "OOMKilled"


async def test_a_fault_of_an_unknown_name_is_said_to_be_one(node: RunningNode) -> None:
    node.create(a_pod(annotations={"devcluster/fault": "flood"}))
    await node.until(has_phase("Succeeded"))
    known = "oom, evict, node-lost, no-start, start-error"
    said = f"annotation devcluster/fault: no such fault; there are {known}"
    assert node.events("UnknownFault") == [said]


async def test_an_evicted_pod_is_told_first_and_failed_after_its_end(node: RunningNode) -> None:
    node.create(a_pod(a_shell("trap 'exit 0' TERM; while :; do sleep 0.05; done")))
    await node.until(has_phase("Running"))
    node.annotate("evict")
    pod = await node.until(lambda pod: bool(condition(pod, "DisruptionTarget")))
    assert condition(pod, "DisruptionTarget")["reason"] == "TerminationByKubelet"
    pod = await node.until(has_phase("Failed"))
    assert pod["status"]["reason"] == "Evicted"


async def test_on_a_lost_node_processes_go_on_and_a_deletion_waits(node: RunningNode) -> None:
    mark = a_mark()
    node.create(a_pod(a_container("sleep", mark)))
    await node.until(has_phase("Running"))
    node.annotate("node-lost")
    pod = await node.until(lambda pod: condition(pod, "Ready")["status"] == "False")
    assert condition(pod, "ContainersReady")["status"] == "True"
    (lost,) = node.store.list("nodes")
    ready = next(c for c in lost["status"]["conditions"] if c["type"] == "Ready")
    assert ready["status"] == "Unknown"
    node.delete(grace=1)
    with pytest.raises(NodeError, match="i/o timeout"):
        await node.log()
    assert marked(mark) == 1
    node.annotate(None)
    await node.until_gone()
    (found,) = node.store.list("nodes")
    ready = next(c for c in found["status"]["conditions"] if c["type"] == "Ready")
    assert ready["status"] == "True"


async def test_a_pod_that_shall_not_start_is_being_created_until_it_may(node: RunningNode) -> None:
    node.create(a_pod(annotations={"devcluster/fault": "no-start"}))
    await node.until_told("FailedCreatePodSandBox")
    assert state(node.pod()) == ("waiting", {"reason": "ContainerCreating"})
    node.annotate(None)
    await node.until(has_phase("Succeeded"))


async def test_a_program_that_is_not_there_is_a_start_error(node: RunningNode) -> None:
    node.create(a_pod(annotations={"devcluster/fault": "start-error"}))
    ended = state(await node.until(has_phase("Failed")))[1]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
