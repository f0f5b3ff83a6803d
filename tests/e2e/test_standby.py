"""The operator that leads goes in mid-run: a standby goes on, and the execution ends as its own."""

import time

import pytest

from support.kubectl import Kubectl, an_execution
from support.under_test.cluster import ClusterUnderTest
from support.under_test.operators import Standby
from support.waiting import eventually

FAIL_OVER_SECONDS = 60
"""10 to 12 where the machines have nothing else to do."""

UNTIL_TOLD = ["sh", "-c", "while [ ! -e go ]; do sleep 0.1; done; echo done"]


@pytest.fixture
def standby(cluster: ClusterUnderTest) -> Standby:
    return cluster.standby.need()


def leads_another_than(standby: Standby, former: str) -> bool:
    return standby.leader() not in ("", former)


def goes_on(kubectl: Kubectl, name: str) -> None:
    """Pause, resume, end: by whoever leads now, in the one pod."""
    pod = kubectl.execution(name)["status"]["podName"]
    kubectl.wish(name, "Paused")
    kubectl.wait(name, "Paused")
    kubectl.wish(name, "Running")
    kubectl.wait(name, "Paused=False")
    kubectl("exec", pod, "--", "touch", "go")
    status = kubectl.wait(name, "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Succeeded", "Completed")
    assert status["output"]["bytes"] == len("done\n")
    pods = kubectl("get", "pods", "-l", f"cc-executor.dev/execution={name}", "-o", "name")
    assert pods.split() == [f"pod/{pod}"]


def test_when_the_leaders_pod_is_deleted_another_goes_on(
    standby: Standby, kubectl: Kubectl
) -> None:
    kubectl.apply(an_execution("handed-over", command=UNTIL_TOLD))
    kubectl.wait("handed-over", "Running")
    former = standby.leader()
    standby.delete_leader()  # returns when it is gone
    assert standby.leader() != former, "it gives its Lease back"
    eventually(lambda: leads_another_than(standby, former), what="a leader")
    goes_on(kubectl, "handed-over")


def test_when_the_leader_is_killed_another_goes_on_in_time(
    standby: Standby, kubectl: Kubectl
) -> None:
    kubectl.apply(an_execution("taken-over", command=UNTIL_TOLD))
    kubectl.wait("taken-over", "Running")
    former, began = standby.leader(), time.monotonic()
    if not standby.kill_leader():
        pytest.skip("the operator's processes are not to be seen from here")
    eventually(lambda: leads_another_than(standby, former), seconds=FAIL_OVER_SECONDS)
    assert time.monotonic() - began < FAIL_OVER_SECONDS
    goes_on(kubectl, "taken-over")
