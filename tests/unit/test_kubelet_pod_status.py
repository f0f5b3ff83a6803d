from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devcluster.kubelet.container_state import (
    ContainerFacts,
    Running,
    State,
    Terminated,
    Waiting,
)
from devcluster.kubelet.pod_status import PodFacts, Verdict, lost_status, pod_status
from support.pods import a_pod

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CREATING, RUNNING = Waiting("ContainerCreating"), Running(NOW)
EVICTED = Verdict("Evicted", "The node was low on resource: memory. ")


def ended(code: int = 0) -> Terminated:
    return Terminated(code, "Error" if code else "Completed", NOW, NOW)


def a_fact(state: State = RUNNING, name: str = "main", **facts: Any) -> ContainerFacts:
    return ContainerFacts(name, "image", state, **facts)


def the_status(
    *containers: ContainerFacts,
    init: tuple[ContainerFacts, ...] = (),
    policy: str = "Never",
    old: dict[str, Any] | None = None,
    verdict: Verdict | None = None,
    now: datetime = NOW,
) -> dict[str, Any]:
    pod = a_pod(restartPolicy=policy, status=old)
    facts = PodFacts(NOW, init, containers, verdict=verdict)
    return pod_status(pod, facts, now=now)


def condition(status: dict[str, Any], kind: str) -> tuple[str, str | None, str | None]:
    found = next(c for c in status["conditions"] if c["type"] == kind)
    return found["status"], found.get("reason"), found.get("message")


@pytest.mark.parametrize(
    ("states", "policy", "phase"),
    [
        ([CREATING], "Never", "Pending"),
        ([RUNNING], "Never", "Running"),
        ([RUNNING, CREATING], "Never", "Pending"),
        ([RUNNING, ended(1)], "Never", "Running"),
        ([ended()], "Never", "Succeeded"),
        ([ended(), ended(1)], "Never", "Failed"),
        ([ended(1)], "OnFailure", "Running"),
        ([ended()], "OnFailure", "Succeeded"),
        ([ended()], "Always", "Running"),
    ],
)
def test_the_phase_follows_from_the_containers(
    states: list[State], policy: str, phase: str
) -> None:
    facts = [a_fact(state, f"c{n}") for n, state in enumerate(states)]
    assert the_status(*facts, policy=policy)["phase"] == phase


@pytest.mark.parametrize(
    ("init", "policy", "phase"),
    [
        (RUNNING, "Never", "Pending"),
        (ended(1), "Never", "Failed"),
        (ended(1), "Always", "Pending"),
        (ended(), "Never", "Pending"),
    ],
)
def test_a_pod_is_pending_until_its_init_containers_succeed(
    init: State, policy: str, phase: str
) -> None:
    waiting = a_fact(Waiting("PodInitializing"))
    status = the_status(waiting, init=(a_fact(init, "setup"),), policy=policy)
    assert status["phase"] == phase


def test_a_container_that_waits_for_its_restart_keeps_the_pod_running() -> None:
    crashing = a_fact(Waiting("CrashLoopBackOff"), last_state=ended(1))
    assert the_status(crashing, policy="Always")["phase"] == "Running"


def test_readiness_names_the_containers_that_are_not() -> None:
    status = the_status(a_fact(name="a"), a_fact(name="b", ready=True))
    said = ("False", "ContainersNotReady", "containers with unready status: [a]")
    assert condition(status, "Ready") == condition(status, "ContainersReady") == said
    assert condition(the_status(a_fact(ready=True)), "Ready") == ("True", None, None)


def test_initialized_names_the_init_containers_that_are_not_done() -> None:
    status = the_status(a_fact(CREATING), init=(a_fact(RUNNING, "one"), a_fact(CREATING, "two")))
    said = ("False", "ContainersNotInitialized", "containers with incomplete status: [one two]")
    assert condition(status, "Initialized") == said


@pytest.mark.parametrize(("code", "reason"), [(0, "PodCompleted"), (1, "PodFailed")])
def test_a_pod_at_its_end_is_not_ready_and_says_how_it_ended(code: int, reason: str) -> None:
    assert condition(the_status(a_fact(ended(code))), "Ready") == ("False", reason, None)


def test_an_evicted_pod_says_so_at_once_and_fails_when_its_containers_have_ended() -> None:
    while_running = the_status(a_fact(), verdict=EVICTED)
    assert while_running["phase"] == "Running"
    assert "reason" not in while_running
    said = ("True", "TerminationByKubelet", EVICTED.message)
    assert condition(while_running, "DisruptionTarget") == said
    after = the_status(a_fact(ended(0)), verdict=EVICTED, old=while_running)
    assert (after["phase"], after["reason"]) == ("Failed", "Evicted")


def test_a_terminal_phase_is_never_left() -> None:
    old = {"phase": "Succeeded", "conditions": []}
    assert the_status(a_fact(ended(1)), verdict=EVICTED, old=old)["phase"] == "Succeeded"


def test_a_transition_is_dated_when_the_status_of_the_condition_changes() -> None:
    later = NOW + timedelta(hours=1)
    first = the_status(a_fact())
    same = the_status(a_fact(), old=first, now=later)
    assert same == first
    ready = the_status(a_fact(ready=True), old=first, now=later)
    dates = {c["type"]: c["lastTransitionTime"] for c in ready["conditions"]}
    assert dates["Ready"] == "2026-01-01T01:00:00Z"
    assert dates["Initialized"] == "2026-01-01T00:00:00Z"


def test_what_others_wrote_into_the_status_stays() -> None:
    gate = {"type": "Gate", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    old = {"phase": "Pending", "conditions": [gate], "nominatedNodeName": "n"}
    status = the_status(a_fact(), old=old)
    assert gate in status["conditions"]
    assert status["nominatedNodeName"] == "n"


def test_a_lost_node_changes_readiness_and_nothing_else() -> None:
    before = the_status(a_fact(ready=True))
    status = lost_status(a_pod(status=before), now=NOW)
    assert condition(status, "Ready")[0] == "False"
    assert condition(status, "ContainersReady")[0] == "True"
    assert status["containerStatuses"] == before["containerStatuses"]


def test_a_container_status_says_what_kubectl_shows() -> None:
    oom = Terminated(137, "OOMKilled", NOW, NOW, "last words", "devcluster://1")
    fact = a_fact(oom, restarts=2, container_id="devcluster://1", image_id="image@sha256:0")
    assert fact.json() == {
        "name": "main",
        "state": {
            "terminated": {
                "exitCode": 137,
                "reason": "OOMKilled",
                "message": "last words",
                "startedAt": "2026-01-01T00:00:00Z",
                "finishedAt": "2026-01-01T00:00:00Z",
                "containerID": "devcluster://1",
            }
        },
        "lastState": {},
        "ready": False,
        "restartCount": 2,
        "image": "image",
        "imageID": "image@sha256:0",
        "containerID": "devcluster://1",
        "started": False,
    }
