"""Operator and gateway are upgraded while an execution runs: its runner stays that of before."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccx_api.names import ANNOTATION_WISH, CCX_DIR, RUNNER_PYZ
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.pod_spec import Images, pod_body
from support.kubectl import Kubectl, Object, an_execution
from support.outside import living, running
from support.under_test.cluster import ClusterUnderTest
from support.under_test.operators import Operator
from support.under_test.processes import Processes
from support.waiting import eventually
from support.wire_client import connected, output_of

OLD = Path(__file__).parents[1] / "support/old/ccx-runner-link-1.pyz"
TICKS = 'setsid sh -c "while [ ! -e done ]; do echo tick; sleep 0.1; done" & wait; echo over'

HAS_GREETING = (
    f"import zipfile; names = zipfile.ZipFile('{RUNNER_PYZ}').namelist(); "
    "print('ccx_runner/greeting.py' in names)"
)


@pytest.fixture(autouse=True)
def _runs_again(operator: Operator) -> Iterator[None]:
    yield
    if not operator.life():
        operator.start()


def a_pod_of_before(execution: Object) -> Object:
    """As the operator of link version 1 made it: its runner, and its wish in the command line."""
    model = ClaudeExecution.model_validate(execution)
    pod = pod_body(model, Images(runtime="devcluster/runtime", runner="devcluster/runner"))
    wish = pod["metadata"]["annotations"].pop(ANNOTATION_WISH)
    runner, agent = pod["spec"]["initContainers"][0], pod["spec"]["containers"][0]
    runner["command"] = [sys.executable, "-I", "-S", str(OLD), "install", CCX_DIR]
    agent["command"] = [wish if word == "$(CCX_WISH)" else word for word in agent["command"]]
    agent["env"] = [variable for variable in agent["env"] if variable["name"] != "CCX_WISH"]
    return pod


async def test_a_runner_of_the_release_before_is_controlled_to_its_end(
    cluster: ClusterUnderTest, operator: Operator, kubectl: Kubectl, processes: Processes
) -> None:
    stack = cluster.stack.need()
    operator.kill()
    kubectl.apply(an_execution("upgraded", command=["sh", "-c", TICKS], onDisconnect="Detach"))
    kubectl.apply(a_pod_of_before(kubectl.execution("upgraded")))
    operator.start()
    execution = await asyncio.to_thread(kubectl.wait, "upgraded", "Running")
    pod = execution["status"]["podName"]
    assert kubectl("exec", pod, "--", "python3", "-c", HAS_GREETING).strip() == "False"
    tree = processes.of(execution)
    await asyncio.to_thread(eventually, lambda: len(tree.below()) >= 2, what="the loop runs")

    kubectl.wish("upgraded", "Paused")
    status = (await asyncio.to_thread(kubectl.wait, "upgraded", "Paused"))["status"]
    assert (status["reason"], running(tree.below())) == ("PausedByUser", [])

    async with connected(stack.websocket, {}) as client:
        place = {"execution": "upgraded", "namespace": kubectl.namespace}
        await client.result("control", type="RESUME", **place)
        assert running(tree.below()) != []
        proof = await client.result("control", type="PAUSE", **place)
        assert proof["processesStopped"] == len(living(tree.below()))
        await client.result("control", type="RESUME", **place)
        await client.send("attach", offset=0, **place)
        kubectl("exec", pod, "--", "touch", "done")
        messages = await client.until("process.completed")
    assert output_of(messages).endswith(b"tick\nover\n")
    status = (await asyncio.to_thread(kubectl.wait, "upgraded", "Succeeded"))["status"]
    assert status["output"]["bytes"] == len(output_of(messages))
    pods = kubectl("get", "pods", "-l", "cc-executor.dev/execution=upgraded", "-o", "name")
    assert len(pods.split()) == 1
