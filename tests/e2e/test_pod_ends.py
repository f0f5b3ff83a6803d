"""Ends that come from outside of the execution, each with the phase and reason of its own."""

import json
from collections.abc import Callable

import pytest

from support.kubectl import Kubectl, an_execution
from support.under_test.cluster import ClusterUnderTest
from support.under_test.processes import Processes
from support.waiting import eventually

LOOP = 'setsid sh -c "while :; do echo tick; sleep 0.1; done" & wait'
EATER = "print('eating', flush=True); eaten = b'x' * (1 << 30); print('eaten')"

End = Callable[[Kubectl, str], object]


def evict(kubectl: Kubectl, pod: str) -> None:
    metadata = {"name": pod, "namespace": kubectl.namespace}
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    path = f"/api/v1/namespaces/{kubectl.namespace}/pods/{pod}/eviction"
    kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(body))


def delete(kubectl: Kubectl, pod: str) -> None:
    kubectl("delete", "pod", pod, "--wait=false")


def delete_without_grace(kubectl: Kubectl, pod: str) -> None:
    kubectl("delete", "pod", pod, "--grace-period=0", "--force", "--wait=false")


@pytest.mark.parametrize("paused", [False, True])
@pytest.mark.parametrize(
    ("end", "reason"),
    [(evict, "Evicted"), (delete, "PodLost"), (delete_without_grace, "PodLost")],
)
def test_a_pod_that_is_taken_away_is_no_success_and_leaves_no_process(
    cluster: ClusterUnderTest,
    kubectl: Kubectl,
    processes: Processes,
    end: End,
    reason: str,
    paused: bool,
) -> None:
    if end is evict:
        cluster.containers.need()  # a stand-in has no evictions
    name = f"{end.__name__}-{paused}".replace("_", "-").lower()
    kubectl.apply(an_execution(name, command=["sh", "-c", LOOP], terminationGracePeriodSeconds=2))
    execution = kubectl.wait(name, "Running")
    tree = processes.of(execution)
    eventually(lambda: len(tree.below()) >= 3, what="the loop runs")
    if paused:
        kubectl.wish(name, "Paused")
        kubectl.wait(name, "Paused")
    end(kubectl, execution["status"]["podName"])
    status = kubectl.wait(name, "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", reason), status["message"]
    eventually(lambda: not tree.left(), what="no process is left")


def test_out_of_memory_is_told_as_such(cluster: ClusterUnderTest, kubectl: Kubectl) -> None:
    cluster.containers.need()  # processes of this machine have no limit
    limits = {"limits": {"memory": "128Mi"}}
    command = ["python3", "-c", EATER]
    kubectl.apply(an_execution("eats", command=command, resources=limits))
    status = kubectl.wait("eats", "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "OOMKilled")
    assert "limits.memory" in status["message"]
    assert status["output"]["bytes"] == len("eating\n")
