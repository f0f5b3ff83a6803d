"""PAUSE, RESUME and CANCEL by patching the object, checked from outside the runner."""

import pytest

from support.kubectl import Kubectl, an_execution
from support.outside import below, is_alive, running, see
from support.waiting import eventually

LOOP = 'setsid sh -c "while :; do echo tick; sleep 0.1; done" & wait'
"""A loop in a session of its own, as Claude's Bash tool starts them."""


def a_loop(name: str) -> dict[str, object]:
    return an_execution(name, command=["sh", "-c", LOOP], terminationGracePeriodSeconds=2)


def runner_of(execution: dict[str, object]) -> int:
    """The runner's pid: on devcluster pids are the machine's."""
    status = execution["status"]
    assert isinstance(status, dict)
    process = see(status["process"]["pid"])
    assert process is not None
    return process.parent


def spool_bytes(kubectl: Kubectl, pod: str) -> str:
    """What the process has printed so far, as the runner counts it."""
    return kubectl("exec", pod, "--", "python3", "/ccx/ccx-runner.pyz", "status")


def test_pause_freezes_everything_and_resume_continues_it(kubectl: Kubectl) -> None:
    kubectl.apply(a_loop("frozen"))
    runner = runner_of(kubectl.wait("frozen", "Running"))
    eventually(lambda: len(below(runner)) >= 3, what="the loop runs")

    kubectl.wish("frozen", "Paused")
    status = kubectl.wait("frozen", "Paused")["status"]
    seen = below(runner)
    assert running(seen) == []
    assert status["control"]["processesStopped"] == len(seen)
    assert (status["phase"], status["reason"]) == ("Paused", "PausedByUser")
    before = spool_bytes(kubectl, status["podName"]).partition('"output"')[2]

    assert spool_bytes(kubectl, status["podName"]).partition('"output"')[2] == before
    kubectl.wish("frozen", "Running")
    status = kubectl.wait("frozen", "Paused=False")["status"]
    assert (status["phase"], status["reason"]) == ("Running", "Resumed")
    eventually(
        lambda: all("T" not in process.states for process in below(runner)), what="all run again"
    )
    kubectl("delete", "cx", "frozen")


@pytest.mark.parametrize("paused", [False, True])
def test_cancel_ends_every_process_also_of_a_paused_execution(
    kubectl: Kubectl, paused: bool
) -> None:
    name = f"cancelled-{paused}".lower()
    kubectl.apply(a_loop(name))
    runner = runner_of(kubectl.wait(name, "Running"))
    eventually(lambda: len(below(runner)) >= 3, what="the loop runs")
    if paused:
        kubectl.wish(name, "Paused")
        kubectl.wait(name, "Paused")
    pids = [runner, *(process.pid for process in below(runner))]

    kubectl.wish(name, "Cancelled")
    status = kubectl.wait(name, "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Cancelled", "CancelledByUser")
    assert [pid for pid in pids if is_alive(pid)] == []


def test_a_process_that_ignores_term_is_killed_after_its_grace(kubectl: Kubectl) -> None:
    stubborn = ["sh", "-c", "trap '' TERM; while :; do sleep 1; done"]
    kubectl.apply(an_execution("stubborn", command=stubborn, terminationGracePeriodSeconds=1))
    kubectl.wait("stubborn", "Running")
    kubectl.wish("stubborn", "Cancelled")
    status = kubectl.wait("stubborn", "Finished")["status"]
    assert status["phase"] == "Cancelled"
    assert status["process"]["signal"] == 9


def test_cancel_before_the_process_starts_ends_the_execution(kubectl: Kubectl) -> None:
    nowhere = {"spec": {"nodeSelector": {"disk": "none-such"}}}
    kubectl.apply(an_execution("unstarted", command=["true"], podTemplate=nowhere))
    kubectl("wait", "cx/unstarted", "--for=jsonpath={.status.reason}=Unschedulable")
    kubectl.wish("unstarted", "Cancelled")
    status = kubectl.wait("unstarted", "Finished")["status"]
    assert status["phase"] == "Cancelled"
    pods = kubectl("get", "pods", "-l", "cc-executor.dev/execution=unstarted", "-o", "name")
    assert pods == ""


def test_a_held_execution_can_be_cancelled_without_ever_having_had_a_pod(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("held-off", command=["true"], suspend=True))
    kubectl.wish("held-off", "Cancelled")
    assert kubectl.wait("held-off", "Finished")["status"]["phase"] == "Cancelled"


def test_a_cancelled_execution_cannot_be_brought_back(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("final", command=["sleep", "600"]))
    kubectl.wish("final", "Cancelled")
    patch = '{"spec":{"desiredState":"Running"}}'
    done = kubectl.run("patch", "cx", "final", "--type", "merge", "-p", patch)
    assert done.returncode != 0
    assert "Cancelled is final: create a new execution instead" in done.stderr


def test_deleting_the_object_ends_the_processes_first(kubectl: Kubectl) -> None:
    kubectl.apply(a_loop("deleted"))
    runner = runner_of(kubectl.wait("deleted", "Running"))
    pids = [runner, *(process.pid for process in eventually(lambda: below(runner)))]
    kubectl("delete", "cx", "deleted", "--timeout=30s")  # waits until the object is gone
    assert [pid for pid in pids if is_alive(pid)] == []
