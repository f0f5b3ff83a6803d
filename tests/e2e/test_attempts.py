"""More than one attempt: what is lost is tried again, what is held goes on, with what it had."""

import json

import pytest

from support.kubectl import Kubectl, Object, a_prompt, an_execution
from support.under_test.cluster import ClusterUnderTest
from support.under_test.processes import Processes
from support.waiting import eventually

CLAIM = {"volumeClaimTemplate": {"storage": "64Mi"}}
ONCE = ["sh", "-c", "test -f mark || { touch mark; sleep 600; }; echo found"]
"""Is lost in the first attempt, and done in the second if the workspace is the same."""

LOOP = "Run this:\n```bash\nfor i in $(seq 1 600); do echo tick; sleep 0.1; done\n```\n"


@pytest.fixture(autouse=True)
def _claims(cluster: ClusterUnderTest) -> None:
    cluster.claims.need()


def suspend(kubectl: Kubectl, name: str, *, wanted: bool = True) -> None:
    patch = json.dumps({"spec": {"suspend": wanted}})
    kubectl("patch", "cx", name, "--type", "merge", "-p", patch)


def reaches_attempt(kubectl: Kubectl, name: str, number: int) -> Object:
    def attempt() -> Object | None:
        status: Object = kubectl.execution(name).get("status", {})
        return status if status.get("attempts") == number else None

    return eventually(attempt, what=f"attempt {number}")


def told(kubectl: Kubectl, name: str, reason: str) -> str:
    """By its Events: it may be in that state for a moment only."""
    template = "{range .items[*]}{.involvedObject.name} {.reason} {.message}{'\\n'}{end}"
    lines = kubectl("get", "events", "-o", f"jsonpath={template}").splitlines()
    return "\n".join(line for line in lines if line.startswith(f"{name} {reason} "))


def a_claude_in_its_tool(kubectl: Kubectl, name: str, **spec: object) -> Object:
    """Its conversation has begun."""
    kubectl.apply(a_prompt(name, LOOP, allowedTools=["Bash"], workspace=CLAIM, **spec))
    status: Object = kubectl.wait(name, "Running")["status"]
    told = '"type":"tool_use"'
    eventually(
        lambda: told in kubectl("logs", status["podName"]).replace(" ", ""), what="a tool call"
    )
    return status


def assert_gone_on(kubectl: Kubectl, name: str) -> Object:
    execution = kubectl.wait(name, "Succeeded")
    status: Object = execution["status"]
    assert status["attempts"] == 2
    assert status["endedAttempts"]["resume"] == execution["metadata"]["uid"]
    assert status["session"]["id"] == execution["metadata"]["uid"]
    assert status["session"]["turns"] == 2
    # Each attempt asked the API once, and the first came to no result of its own.
    assert status["usage"]["inputTokens"] == 2400
    assert float(status["usage"]["costUSD"]) == pytest.approx(0.01122)
    return status


def test_a_lost_pod_is_tried_again_in_the_same_workspace(
    kubectl: Kubectl, processes: Processes
) -> None:
    spec = {"backoffLimit": 1, "retryDelaySeconds": 2, "workspace": CLAIM}
    kubectl.apply(an_execution("tries-again", command=ONCE, **spec))
    first = kubectl.wait("tries-again", "Running")
    tree, pod = processes.of(first), first["status"]["podName"]
    eventually(lambda: len(tree.below()) >= 2, what="the first attempt waits")
    kubectl("delete", "pod", pod, "--wait=false")
    status = kubectl.wait("tries-again", "Succeeded")["status"]
    eventually(lambda: "retry 1 of 1" in told(kubectl, "tries-again", "Retrying"), what="an Event")
    assert (status["attempts"], status["endedAttempts"]["retries"]) == (2, 1)
    assert (status["podName"], status["output"]["bytes"]) == (f"{pod[:-1]}2", len("found\n"))
    assert not tree.left()
    kubectl("delete", "cx", "tries-again")
    eventually(
        lambda: kubectl("get", "pvc", "-o", "name").count("tries-again") == 0,
        what="its claim goes with it",
    )


def test_without_attempts_left_the_reason_is_that_of_the_last(kubectl: Kubectl) -> None:
    spec = {"backoffLimit": 1, "retryDelaySeconds": 0}
    kubectl.apply(an_execution("used-up", command=["sleep", "600"], **spec))
    for attempt in (1, 2):
        reaches_attempt(kubectl, "used-up", attempt)
        status = kubectl.wait("used-up", "Running")["status"]
        assert status["attempts"] == attempt
        kubectl("delete", "pod", status["podName"])
    status = kubectl.wait("used-up", "Finished")["status"]
    assert (status["phase"], status["reason"], status["attempts"]) == ("Failed", "PodLost", 2)


@pytest.mark.usefixtures("claude")
def test_a_retry_continues_claudes_conversation_and_counts_each_attempt_once(
    kubectl: Kubectl,
) -> None:
    first = a_claude_in_its_tool(kubectl, "goes-on", backoffLimit=1, retryDelaySeconds=0)
    kubectl("delete", "pod", first["podName"], "--wait=false")
    status = assert_gone_on(kubectl, "goes-on")
    assert status["endedAttempts"]["retries"] == 1


@pytest.mark.usefixtures("claude")
def test_a_suspended_claude_goes_on_later_with_its_conversation(kubectl: Kubectl) -> None:
    first = a_claude_in_its_tool(kubectl, "rests")
    suspend(kubectl, "rests")
    assert kubectl.reaches("rests", "Suspended")["phase"] == "Queued"
    held = reaches_attempt(kubectl, "rests", 2)
    assert (held["reason"], "podName" in held) == ("Suspended", False)
    pods = ("get", "pods", "-l", "cc-executor.dev/execution=rests", "-o", "name")
    eventually(lambda: first["podName"] not in kubectl(*pods), what="its pod is gone")
    suspend(kubectl, "rests", wanted=False)
    status = assert_gone_on(kubectl, "rests")
    assert status["endedAttempts"].get("retries", 0) == 0


def test_without_a_claim_a_running_execution_is_not_suspended(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("unclaimed", command=["sleep", "600"]))
    kubectl.wait("unclaimed", "Running")
    patch = '{"spec":{"suspend":true}}'
    done = kubectl.run("patch", "cx", "unclaimed", "--type", "merge", "-p", patch)
    assert done.returncode != 0
    assert "spec.workspace.volumeClaimTemplate" in done.stderr


def test_cancelled_between_two_attempts_it_has_no_further_one(kubectl: Kubectl) -> None:
    spec = {"backoffLimit": 1, "retryDelaySeconds": 600}
    kubectl.apply(an_execution("given-up", command=["sleep", "600"], **spec))
    pod = kubectl.wait("given-up", "Running")["status"]["podName"]
    kubectl("delete", "pod", pod)
    reaches_attempt(kubectl, "given-up", 2)
    kubectl.wish("given-up", "Cancelled")
    status = kubectl.wait("given-up", "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Cancelled", "CancelledByUser")


def test_a_claim_of_somebody_elses_is_not_taken(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("unowned", command=["true"], suspend=True, workspace=CLAIM))
    uid = kubectl.execution("unowned")["metadata"]["uid"]
    claim = f"cx-unowned-{uid[:8]}"
    storage = {"resources": {"requests": {"storage": "64Mi"}}}
    kubectl.apply(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": claim},
            "spec": {"accessModes": ["ReadWriteOnce"], **storage},
        }
    )
    suspend(kubectl, "unowned", wanted=False)
    status = kubectl.wait("unowned", "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "PodNameTaken")
    assert f"claim {claim} belongs to somebody else" in status["message"]
    kubectl("delete", "pvc", claim, "--wait=false")
