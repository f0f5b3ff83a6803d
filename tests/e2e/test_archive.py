"""What can be read of an execution whose pod has gone: all of it, from its archive, or nothing."""

import asyncio
import hashlib
from typing import Any

import pytest

from support.kubectl import Kubectl, Object, an_execution
from support.under_test.cluster import ClusterUnderTest
from support.under_test.gateways import Gateway
from support.waiting import eventually
from support.wire_client import connected, output_of

LINES = 5000
PRINT = (
    f"n=0; while [ $n -lt {LINES} ]; do n=$((n+1)); "
    "if [ $((n % 10)) = 0 ]; then echo error $n >&2; else echo line $n; fi; done"
)
PRINTED = {
    "stdout": [f"line {n}" for n in range(1, LINES + 1) if n % 10],
    "stderr": [f"error {n}" for n in range(10, LINES + 1, 10)],
}
READERS = ("-l", "cc-executor.dev/reads", "-o", "name")
CLAIM = {"volumeClaimTemplate": {"storage": "64Mi"}}


@pytest.fixture(autouse=True)
def _claims(cluster: ClusterUnderTest) -> None:
    cluster.claims.need()


def left_behind(kubectl: Kubectl, name: str, **spec: Any) -> Object:
    """The status of an execution that has ended, and whose pod somebody has deleted."""
    kubectl.apply(an_execution(name, command=["sh", "-c", PRINT], **spec))
    status: Object = kubectl.wait(name, "Succeeded")["status"]
    pod = status["podName"]
    kubectl("delete", "pod", pod)
    eventually(lambda: pod not in kubectl("get", "pods", "-o", "name"), what="it is gone")
    return status


async def attached(gateway: Gateway, kubectl: Kubectl, name: str, offset: int = 0) -> list[Object]:
    async with connected(gateway.websocket, gateway.headers()) as client:
        place = {"execution": name, "namespace": kubectl.namespace, "offset": offset}
        await client.send("attach", **place)
        return await client.until("process.completed")


def told(messages: list[Object], method: str) -> list[Object]:
    return [m["params"] for m in messages if m.get("method") == method]


async def test_an_archive_is_read_by_attach_after_its_pod_has_gone(
    gateway: Gateway, kubectl: Kubectl
) -> None:
    archive: Object = {"archive": {}}
    output = (
        await asyncio.to_thread(left_behind, kubectl, "kept", workspace=CLAIM, output=archive)
    )["output"]
    assert output["archived"] == output["bytes"]

    messages = await attached(gateway, kubectl, "kept")
    whole = output_of(messages)
    assert hashlib.sha256(whole).hexdigest() == output["sha256"]
    assert told(messages, "process.gap") == told(messages, "process.error") == []
    pieces = told(messages, "process.output")
    for stream, lines in PRINTED.items():
        data = "".join(piece["data"] for piece in pieces if piece["type"] == stream)
        assert data.splitlines() == lines

    later = len(whole) // 2
    assert output_of(await attached(gateway, kubectl, "kept", later)) == whole[later:]
    readers = await asyncio.to_thread(kubectl, "get", "pods", *READERS)
    assert len(readers.split()) == 1
    await asyncio.to_thread(kubectl, "delete", readers.strip(), "--wait=false")
    assert output_of(await attached(gateway, kubectl, "kept", later)) == whole[later:]
    assert (
        kubectl.execution("kept")["metadata"]
        .get("annotations", {})
        .keys()
        .isdisjoint({"cc-executor.dev/read-archive"})
    )


async def test_an_archive_that_was_changed_is_a_gap_and_no_output(
    gateway: Gateway, kubectl: Kubectl
) -> None:
    status = await asyncio.to_thread(
        left_behind, kubectl, "changed", workspace=CLAIM, output={"archive": {}}
    )
    claim = {"claimName": status["podName"].rpartition("-")[0]}
    agent = {"name": "agent", "volumeMounts": [{"name": "kept", "mountPath": "/mnt/kept"}]}
    volume = {"name": "kept", "persistentVolumeClaim": claim}
    change = f"printf x | dd of=/mnt/kept/archive/{status['podName']}/output bs=1 conv=notrunc"
    template = {"spec": {"containers": [agent], "volumes": [volume]}}
    kubectl.apply(an_execution("changes", command=["sh", "-c", change], podTemplate=template))
    await asyncio.to_thread(kubectl.wait, "changes", "Succeeded")

    messages = await attached(gateway, kubectl, "changed")
    (gap,) = told(messages, "process.gap")
    assert (gap["from"], gap["to"]) == (0, status["output"]["bytes"])
    assert told(messages, "process.output") == []


async def test_without_an_archive_the_output_is_a_gap_of_its_size(
    gateway: Gateway, kubectl: Kubectl
) -> None:
    status = await asyncio.to_thread(left_behind, kubectl, "not-kept")
    messages = await attached(gateway, kubectl, "not-kept", 100)
    (gap,) = told(messages, "process.gap")
    size = status["output"]["bytes"]
    assert (gap["from"], gap["to"], gap["bytes"]) == (100, size, size - 100)
    assert told(messages, "process.output") == told(messages, "process.tail") == []
    assert messages[-1]["params"]["phase"] == "Succeeded"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"output": {"archive": {}}}, "spec.output.archive: name a claim"),
        (
            {"output": {"archive": {"path": "home/x"}}, "workspace": CLAIM},
            "home and workspace are the agent's own folders",
        ),
        (
            {"output": {"archive": {"path": "../x", "volumeClaimName": "c"}}},
            "spec.output.archive.path",
        ),
    ],
)
def test_an_archive_that_can_be_nowhere_is_refused(kubectl: Kubectl, spec: Any, words: str) -> None:
    assert words in kubectl.refused(an_execution("nowhere", command=["true"], **spec))
