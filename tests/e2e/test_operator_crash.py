"""SIGKILL of the operator at any time: nothing is lost, and nothing happens twice."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ccx_dev.stack import Stack, running_stack
from support.kubectl import Kubectl, an_execution, require_kubectl
from support.outside import is_alive
from support.waiting import eventually


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


def operators_writes(stack: Stack) -> int:
    """How many requests have changed something; kubectl's creations are left out."""
    with urllib.request.urlopen(f"{stack.url}/devcluster/requests", timeout=10) as answer:
        counts = json.load(answer)["requests"]
    return sum(
        entry["count"]
        for entry in counts
        if entry["verb"] in ("create", "patch", "delete")
        and (entry["verb"], entry["resource"]) != ("create", "claudeexecutions.cc-executor.dev")
    )


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
    assert_each_event_once(kubectl, name)


@pytest.mark.parametrize("writes", range(1, 9))
def test_nothing_happens_twice_after_a_crash_behind_any_write(
    stack: Stack, kubectl: Kubectl, writes: int
) -> None:
    """Finalizer, pod, status, Event, status, Event, status, Event, finalizer."""
    name, before = f"crash-{writes}", operators_writes(stack)
    kubectl.apply(an_execution(name, command=["sh", "-c", "sleep 1; echo done"]))
    eventually(lambda: operators_writes(stack) >= before + writes, what=f"write {writes}")
    stack.operator.kill()
    stack.start_operator()
    status = kubectl.wait(name, "Succeeded")["status"]
    assert status["output"]["bytes"] == 5
    assert len(pods_of(kubectl, name)) == 1
    assert_each_event_once(kubectl, name)


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


def test_an_error_in_a_watch_does_not_end_the_operator(stack: Stack, kubectl: Kubectl) -> None:
    fault = {"fault": "server-error", "verb": "watch", "count": 2}
    request = urllib.request.Request(
        f"{stack.url}/devcluster/faults",
        data=json.dumps(fault).encode(),
        headers={"content-type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=10).close()
    kubectl.apply(an_execution("through-it", command=["true"]))
    kubectl.wait("through-it", "Succeeded")
    kubectl.apply(an_execution("after-it", command=["true"]))
    kubectl.wait("after-it", "Succeeded")
    assert is_alive(stack.operator.pid)


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
