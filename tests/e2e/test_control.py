"""PAUSE, RESUME and CANCEL by patching the object, checked from outside the runner."""

import pytest

from support.kubectl import Kubectl, an_execution
from support.outside import living, running
from support.under_test.processes import Processes
from support.waiting import eventually

LOOP = 'setsid sh -c "while :; do echo tick; sleep 0.1; done" & wait'
"""A loop in a session of its own, as Claude's Bash tool starts them."""


def a_loop(name: str) -> dict[str, object]:
    return an_execution(name, command=["sh", "-c", LOOP], terminationGracePeriodSeconds=2)


def spool_bytes(kubectl: Kubectl, pod: str) -> str:
    """What the process has printed so far, as the runner counts it."""
    return kubectl("exec", pod, "--", "python3", "/ccx/ccx-runner.pyz", "status")


def test_pause_freezes_everything_and_resume_continues_it(
    kubectl: Kubectl, processes: Processes
) -> None:
    kubectl.apply(a_loop("frozen"))
    tree = processes.of(kubectl.wait("frozen", "Running"))
    eventually(lambda: len(tree.below()) >= 3, what="the loop runs")

    kubectl.wish("frozen", "Paused")
    status = kubectl.wait("frozen", "Paused")["status"]
    seen = tree.below()
    assert running(seen) == []
    assert status["control"]["processesStopped"] == len(living(seen))
    assert (status["phase"], status["reason"]) == ("Paused", "PausedByUser")
    before = spool_bytes(kubectl, status["podName"]).partition('"output"')[2]

    assert spool_bytes(kubectl, status["podName"]).partition('"output"')[2] == before
    kubectl.wish("frozen", "Running")
    status = kubectl.wait("frozen", "Paused=False")["status"]
    assert (status["phase"], status["reason"]) == ("Running", "Resumed")
    eventually(
        lambda: all("T" not in process.states for process in tree.below()), what="all run again"
    )
    kubectl("delete", "cx", "frozen")


def test_paused_while_its_pod_waits_it_is_frozen_at_its_first_instruction(
    kubectl: Kubectl, processes: Processes
) -> None:
    missing = [{"configMapRef": {"name": "comes-later"}}]
    kubectl.apply(an_execution("early", command=["sh", "-c", "echo ran"], envFrom=missing))
    pod = kubectl.reaches("early", "ConfigError")["podName"]
    kubectl.wish("early", "Paused")
    eventually(lambda: '"Paused"' in kubectl("get", "pod", pod, "-o", "yaml"), what="a new wish")
    kubectl("create", "configmap", "comes-later")

    execution = kubectl.wait("early", "Paused")
    status = execution["status"]
    assert (status["reason"], status["output"]["bytes"]) == ("PausedByUser", 0)
    assert (status["activeSeconds"], status["control"]["processesStopped"]) == (0, 1)
    assert running(processes.of(execution).below()) == []
    kubectl.wish("early", "Running")
    assert kubectl.wait("early", "Succeeded")["status"]["output"]["bytes"] == 4


@pytest.mark.parametrize("paused", [False, True])
def test_cancel_ends_every_process_also_of_a_paused_execution(
    kubectl: Kubectl, processes: Processes, paused: bool
) -> None:
    name = f"cancelled-{paused}".lower()
    kubectl.apply(a_loop(name))
    tree = processes.of(kubectl.wait(name, "Running"))
    eventually(lambda: len(tree.below()) >= 3, what="the loop runs")
    if paused:
        kubectl.wish(name, "Paused")
        kubectl.wait(name, "Paused")

    kubectl.wish(name, "Cancelled")
    status = kubectl.wait(name, "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Cancelled", "CancelledByUser")
    assert tree.left() == []


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
    kubectl.reaches("unstarted", "Unschedulable")
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


def test_deleting_the_object_ends_the_processes_first(
    kubectl: Kubectl, processes: Processes
) -> None:
    kubectl.apply(a_loop("deleted"))
    tree = processes.of(kubectl.wait("deleted", "Running"))
    eventually(lambda: len(tree.below()) >= 3, what="the loop runs")
    kubectl("delete", "cx", "deleted", "--timeout=90s")  # waits until the object is gone
    assert tree.left() == []
