"""kill -9 of the cluster's own components while an execution runs: it ends as its own outcome."""

import pytest

from support.kubectl import Kubectl, an_execution
from support.outside import running
from support.under_test.cluster import ClusterUnderTest
from support.under_test.components import Components
from support.under_test.processes import Processes
from support.waiting import eventually

BACK_SECONDS = 90
SETTLED_SECONDS = 90
COMPONENTS = ["kubelet", "kube-apiserver", "etcd", "containerd"]
UNTIL_TOLD = "echo begun; (while :; do sleep 0.1; done) & while [ ! -e go ]; do sleep 0.1; done; \
kill $!; echo done"


@pytest.fixture(scope="module")
def components(cluster: ClusterUnderTest) -> Components:
    return cluster.components.need()


def is_back(kubectl: Kubectl) -> bool:
    """The API server serves, and no node is missed."""
    ready = 'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}'
    nodes = kubectl.run("get", "nodes", "-o", ready)
    healthy = kubectl.run("get", "--raw", "/readyz").returncode == 0
    return healthy and nodes.returncode == 0 and set(nodes.stdout.split()) == {"True"}


def restart(components: Components, kubectl: Kubectl, name: str) -> None:
    components.restart(name)
    eventually(lambda: is_back(kubectl), seconds=BACK_SECONDS, what=f"the cluster with {name}")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("component", COMPONENTS)
def test_an_execution_survives_is_paused_and_resumed_and_ends_as_its_own_outcome(
    components: Components, kubectl: Kubectl, processes: Processes, component: str
) -> None:
    name = f"survives-{component}"
    kubectl.apply(an_execution(name, command=["sh", "-c", UNTIL_TOLD]))
    execution = kubectl.wait(name, "Running")
    pod, tree = execution["status"]["podName"], processes.of(execution)
    eventually(lambda: len(tree.below()) >= 3, what="the loops run")

    restart(components, kubectl, component)
    kubectl.wish(name, "Paused")
    kubectl.wait(name, "Paused", seconds=SETTLED_SECONDS)
    frozen = tree.below()
    assert len(frozen) >= 3
    assert running(frozen) == []
    kubectl.wish(name, "Running")
    kubectl.wait(name, "Paused=False", seconds=SETTLED_SECONDS)

    eventually(lambda: touched(kubectl, pod), seconds=SETTLED_SECONDS, what="exec works")
    status = kubectl.wait(name, "Finished", seconds=SETTLED_SECONDS)["status"]
    assert (status["phase"], status["reason"]) == ("Succeeded", "Completed"), status["message"]
    assert status["output"]["bytes"] == len("begun\ndone\n")
    assert status["podName"] == pod


def touched(kubectl: Kubectl, pod: str) -> bool:
    return kubectl.run("exec", pod, "--", "touch", "go").returncode == 0


@pytest.mark.timeout(400)
@pytest.mark.parametrize("component", COMPONENTS)
def test_cancel_works_after_it(
    components: Components, kubectl: Kubectl, processes: Processes, component: str
) -> None:
    name = f"cancelled-after-{component}"
    kubectl.apply(an_execution(name, command=["sh", "-c", UNTIL_TOLD]))
    tree = processes.of(kubectl.wait(name, "Running"))
    eventually(lambda: len(tree.below()) >= 3, what="the loops run")
    restart(components, kubectl, component)
    kubectl.wish(name, "Cancelled")
    status = kubectl.wait(name, "Finished", seconds=SETTLED_SECONDS)["status"]
    assert (status["phase"], status["reason"]) == ("Cancelled", "CancelledByUser")
    assert tree.left() == []


@pytest.mark.timeout(400)
@pytest.mark.parametrize("component", ["kube-apiserver", "etcd"])
def test_an_execution_that_ends_while_the_control_plane_restarts_is_not_forgotten(
    components: Components, kubectl: Kubectl, component: str
) -> None:
    name = f"ends-during-{component}"
    kubectl.apply(an_execution(name, command=["sh", "-c", "sleep 1; echo done"]))
    kubectl.wait(name, "Accepted")
    restart(components, kubectl, component)
    status = kubectl.wait(name, "Finished", seconds=SETTLED_SECONDS)["status"]
    assert (status["phase"], status["reason"]) == ("Succeeded", "Completed"), status["message"]
    assert status["output"]["bytes"] == len("done\n")
