"""SIGKILL of the operator at any time: nothing is lost, and nothing happens twice."""

from collections.abc import Iterator

import pytest

from support.kubectl import Kubectl, an_execution
from support.under_test.cluster import ClusterUnderTest
from support.under_test.operators import Operator


@pytest.fixture(autouse=True)
def _runs_again(operator: Operator) -> Iterator[None]:
    """Whatever happens: other tests need it."""
    yield
    if not operator.life():
        operator.start()


def pods_of(kubectl: Kubectl, name: str) -> list[str]:
    chosen = f"cc-executor.dev/execution={name}"
    return kubectl("get", "pods", "-l", chosen, "-o", "name").split()


def assert_each_event_once(kubectl: Kubectl, name: str) -> None:
    chosen = f"involvedObject.name={name}"
    template = "{range .items[*]}{.reason} {.count}{'\\n'}{end}"
    told = kubectl("get", "events", "--field-selector", chosen, "-o", f"jsonpath={template}")
    assert told
    assert sorted(told.splitlines()) == sorted(
        {f"{line.split()[0]} 1" for line in told.splitlines()}
    )


@pytest.mark.parametrize("until", ["Accepted", "PodReady", "Running", "Finished"])
def test_an_execution_finishes_whenever_the_operator_is_killed(
    operator: Operator, kubectl: Kubectl, until: str
) -> None:
    name = f"killed-{until}".lower()
    kubectl.apply(an_execution(name, command=["sh", "-c", "sleep 2; echo done"]))
    kubectl.run("wait", f"cx/{name}", f"--for=condition={until}", "--timeout=20s")
    operator.kill()
    operator.start()
    status = kubectl.wait(name, "Succeeded")["status"]
    assert status["output"]["bytes"] == 5
    assert len(pods_of(kubectl, name)) == 1
    assert_each_event_once(kubectl, name)


def test_a_wish_that_is_made_while_no_operator_runs_is_carried_out_later(
    operator: Operator, kubectl: Kubectl
) -> None:
    kubectl.apply(an_execution("orphaned", command=["sleep", "600"]))
    kubectl.wait("orphaned", "Running")
    operator.kill()
    kubectl.wish("orphaned", "Paused")
    operator.start()
    kubectl.wait("orphaned", "Paused")
    operator.kill()
    kubectl.wish("orphaned", "Cancelled")
    operator.start()
    assert kubectl.wait("orphaned", "Finished")["status"]["phase"] == "Cancelled"
    assert len(pods_of(kubectl, "orphaned")) == 1


def test_an_error_in_a_watch_does_not_end_the_operator(
    cluster: ClusterUnderTest, operator: Operator, kubectl: Kubectl
) -> None:
    faults, before = cluster.faults.need(), operator.life()
    faults.add(fault="server-error", verb="watch", count=2)
    kubectl.apply(an_execution("through-it", command=["true"]))
    kubectl.wait("through-it", "Succeeded")
    kubectl.apply(an_execution("after-it", command=["true"]))
    kubectl.wait("after-it", "Succeeded")
    assert operator.life() == before


def test_a_deadline_is_kept_while_no_operator_runs(operator: Operator, kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("unwatched", command=["sleep", "600"], activeDeadlineSeconds=3))
    pod = kubectl.wait("unwatched", "Running")["status"]["podName"]
    operator.kill()
    ended = "jsonpath={.status.phase}=Failed"
    kubectl("wait", f"pod/{pod}", f"--for={ended}", "--timeout=90s")
    operator.start()
    assert kubectl.wait("unwatched", "Finished")["status"]["reason"] == "DeadlineExceeded"


def test_an_object_deleted_while_no_operator_runs_goes_when_one_is_back(
    operator: Operator, kubectl: Kubectl
) -> None:
    kubectl.apply(an_execution("gone", command=["sleep", "600"]))
    kubectl.wait("gone", "Running")
    operator.kill()
    kubectl("delete", "cx", "gone", "--wait=false")
    operator.start()
    kubectl("wait", "cx/gone", "--for=delete", "--timeout=90s")
