"""SIGKILL of the operator at any time: nothing is lost, and nothing happens twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ccx_dev.stack import Stack, running_stack
from support.kubectl import Kubectl, an_execution, require_kubectl


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One of its own: no other test's operator is killed."""
    require_kubectl()
    with running_stack(tmp_path_factory.mktemp("crash"), use_real_api=False) as stack:
        yield stack


@pytest.fixture
def kubectl(stack: Stack, tmp_path: Path) -> Kubectl:
    return Kubectl(stack.kubeconfig, tmp_path)


def pods_of(kubectl: Kubectl, name: str) -> list[str]:
    chosen = f"cc-executor.dev/execution={name}"
    return kubectl("get", "pods", "-l", chosen, "-o", "name").split()


def event_counts(kubectl: Kubectl, name: str) -> list[tuple[str, int]]:
    chosen = f"involvedObject.name={name}"
    template = "{range .items[*]}{.reason} {.count}{'\\n'}{end}"
    lines = kubectl(
        "get", "events", "--field-selector", chosen, "-o", f"jsonpath={template}"
    ).splitlines()
    return sorted((reason, int(count or 1)) for reason, count in (line.split() for line in lines))


@pytest.mark.parametrize("until", ["Accepted", "PodReady", "Running", "Finished"])
def test_an_execution_finishes_whenever_the_operator_is_killed(
    stack: Stack, kubectl: Kubectl, until: str
) -> None:
    name = f"killed-{until}".lower()
    kubectl.apply(an_execution(name, command=["sh", "-c", "sleep 2; echo done"]))
    kubectl.run("wait", f"cx/{name}", f"--for=condition={until}", "--timeout=20s")
    stack.operator.kill()
    stack.start_operator()
    status = kubectl.wait(name, "Succeeded")["status"]
    assert status["output"]["bytes"] == 5
    assert len(pods_of(kubectl, name)) == 1
    counts = event_counts(kubectl, name)
    assert [reason for reason, _ in counts] == sorted({reason for reason, _ in counts})
    assert {count for _, count in counts} == {1}


def test_a_wish_that_is_made_while_no_operator_runs_is_carried_out_later(
    stack: Stack, kubectl: Kubectl
) -> None:
    kubectl.apply(an_execution("orphaned", command=["sleep", "600"]))
    kubectl.wait("orphaned", "Running")
    stack.operator.kill()
    kubectl.wish("orphaned", "Paused")
    stack.start_operator()
    kubectl.wait("orphaned", "Paused")
    stack.operator.kill()
    kubectl.wish("orphaned", "Cancelled")
    stack.start_operator()
    assert kubectl.wait("orphaned", "Finished")["status"]["phase"] == "Cancelled"
    assert len(pods_of(kubectl, "orphaned")) == 1


def test_a_deadline_is_kept_while_no_operator_runs(stack: Stack, kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("unwatched", command=["sleep", "600"], activeDeadlineSeconds=3))
    pod = kubectl.wait("unwatched", "Running")["status"]["podName"]
    stack.operator.kill()
    ended = "jsonpath={.status.phase}=Failed"
    kubectl("wait", f"pod/{pod}", f"--for={ended}", "--timeout=30s")
    stack.start_operator()
    assert kubectl.wait("unwatched", "Finished")["status"]["reason"] == "DeadlineExceeded"


def test_an_object_deleted_while_no_operator_runs_goes_when_one_is_back(
    stack: Stack, kubectl: Kubectl
) -> None:
    kubectl.apply(an_execution("gone", command=["sleep", "600"]))
    kubectl.wait("gone", "Running")
    stack.operator.kill()
    kubectl("delete", "cx", "gone", "--wait=false")
    stack.start_operator()
    kubectl("wait", "cx/gone", "--for=delete", "--timeout=30s")
