"""The execution against its own supervisor, where pods are real containers.

What succeeds is what docs/security.md says a hostile agent can do.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from support import attacks
from support.kubectl import Kubectl, an_execution
from support.outside import living, running
from support.under_test.cluster import ClusterUnderTest
from support.under_test.processes import Processes, TreeInPod
from support.waiting import eventually

ATTACKS = Path(attacks.__file__).read_text(encoding="utf-8")
SECURITY = Path(__file__).parents[2] / "docs/security.md"

REFUSED = {
    "kill -9": "no effect",
    "kill -STOP": "no effect",
    "ptrace attach": "Operation not permitted",
    "ptrace seize": "Operation not permitted",
    "read its memory": "Permission denied",
    "read its environment": "Permission denied",
    "connect to its socket": "belongs to the execution",
    "write into its files": "Read-only file system",
    "write into the root": "Read-only file system",
    "become root": "Operation not permitted",
    "read the account's token": "No such file or directory",
}
SUCCEEDS = {
    "write into the run volume": "run volume",
    "write the termination message": "termination message",
    "prlimit": "`prlimit`",
}
"""With the words by which docs/security.md admits it."""

CONFINED = {
    "Uid": "10001 10001 10001 10001",
    "Gid": "10001 10001 10001 10001",
    "CapEff": "0000000000000000",
    "CapBnd": "0000000000000000",
    "NoNewPrivs": "1",
    "Seccomp": "2",
}
STARVE = """
import os, resource, time
while not os.path.exists("go"):
    time.sleep(0.05)
resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3))
print("starved", flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _containers(cluster: ClusterUnderTest) -> int:
    return cluster.containers.need()


def lines(kubectl: Kubectl, pod: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in kubectl("logs", pod).splitlines()]


def test_the_runner_survives_what_its_agent_tries(kubectl: Kubectl, processes: Processes) -> None:
    """Then it still does its work: it freezes everything, and ends it."""
    command = ["sh", "-c", 'python3 -I -S -c "$0"; while :; do sleep 0.1; done', ATTACKS]
    kubectl.apply(an_execution("attacker", command=command, terminationGracePeriodSeconds=2))
    execution = kubectl.wait("attacker", "Running")
    pod, tree = execution["status"]["podName"], processes.of(execution)
    wanted = len(attacks.ATTEMPTS) + 1
    eventually(lambda: len(lines(kubectl, pod)) >= wanted, seconds=40, what="all was tried")
    *tried, last = lines(kubectl, pod)

    found = {line["attempt"]: line["error"] for line in tried}
    succeeded = {name for name, error in found.items() if error is None}
    assert succeeded == SUCCEEDS.keys(), found
    assert {name: words for name, words in REFUSED.items() if words not in found[name]} == {}, found
    assert last["confined"] == CONFINED

    kubectl.wish("attacker", "Paused")
    status = kubectl.wait("attacker", "Paused")["status"]
    assert running(tree.below()) == []
    assert status["control"]["processesStopped"] == len(living(tree.below()))
    kubectl.wish("attacker", "Cancelled")
    status = kubectl.wait("attacker", "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Cancelled", "CancelledByUser")
    assert tree.left() == []


def test_a_reader_inside_sees_what_is_seen_from_the_node(
    kubectl: Kubectl, processes: Processes
) -> None:
    """Where the node is another machine, it is all that the tests have."""
    three = "sleep 600 & sleep 600 & sleep 600"
    kubectl.apply(an_execution("seen", command=["sh", "-c", three]))
    execution = kubectl.wait("seen", "Running")
    tree = processes.of(execution)
    inside = TreeInPod(kubectl, execution["status"]["podName"])
    eventually(lambda: len(tree.below()) == 4, what="all have started")
    assert len(inside.below()) == 4
    assert len(inside.left()) == 5
    kubectl.wish("seen", "Paused")
    kubectl.wait("seen", "Paused")
    assert running(inside.below()) == running(tree.below()) == []
    kubectl.wish("seen", "Cancelled")
    kubectl.wait("seen", "Finished")
    assert inside.left() == tree.left() == []


def test_what_succeeds_is_in_the_documentation() -> None:
    text = " ".join(SECURITY.read_text(encoding="utf-8").split())
    told = text.partition("can still do")[2].partition("##")[0]
    assert [words for words in SUCCEEDS.values() if words not in told] == []


def test_a_runner_without_descriptors_ends_its_execution_rather_than_leave_it_alone(
    kubectl: Kubectl, processes: Processes
) -> None:
    kubectl.apply(an_execution("starver", command=["python3", "-I", "-S", "-c", STARVE]))
    execution = kubectl.wait("starver", "Running")
    tree = processes.of(execution)
    assert tree.below() != []
    kubectl("exec", execution["status"]["podName"], "--", "touch", "go")
    status = kubectl.wait("starver", "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "RunnerFault"), status["message"]
    eventually(lambda: not tree.left(), what="no process is left")


@pytest.mark.parametrize(("number", "reason"), [("TERM", "Signal"), ("INT", "Signal")])
def test_a_signal_that_arrives_from_inside_is_told_from_the_kubelets(
    kubectl: Kubectl, number: str, reason: str
) -> None:
    name = f"inside-{number}".lower()
    command = ["sh", "-c", f"trap '' TERM INT; kill -{number} 1; sleep 600"]
    kubectl.apply(an_execution(name, command=command, terminationGracePeriodSeconds=1))
    status = kubectl.wait(name, "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", reason), status["message"]
    assert "from inside" in status["message"]


def test_its_pod_is_as_restricted_as_it_says(kubectl: Kubectl) -> None:
    """The kubelet's and the runtime's view, beside what the process sees of itself."""
    kubectl.apply(an_execution("plain", command=["sleep", "600"]))
    pod = kubectl.get("pod", kubectl.wait("plain", "Running")["status"]["podName"])
    spec = pod["spec"]
    assert spec["automountServiceAccountToken"] is False
    for container in (*spec["initContainers"], *spec["containers"]):
        security = {**spec["securityContext"], **container["securityContext"]}
        assert security["runAsUser"] == 10001
        assert security["readOnlyRootFilesystem"] is True
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
