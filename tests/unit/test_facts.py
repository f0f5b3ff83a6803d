from datetime import UTC, datetime
from typing import Any

import pytest

from ccx_api.names import RUNNER_CONTAINER
from ccx_operator.facts import PodFacts, pod_facts, time_of
from ccx_operator.last_words import parse_snapshot
from support.reconciling import ended

AT = "2026-01-01T00:00:00Z"
TIME = datetime(2026, 1, 1, tzinfo=UTC)


def a_body(status: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "p1",
            "uid": "pu1",
            "resourceVersion": "17",
            "creationTimestamp": AT,
            "annotations": {"cc-executor.dev/generation": "3"},
            "ownerReferences": [{"uid": "other"}, {"uid": "u1", "controller": True}],
            **metadata,
        },
        "spec": {"nodeName": "n1"},
        "status": {"phase": "Running", **(status or {})},
    }


def an_agent(state: dict[str, Any]) -> dict[str, Any]:
    sidecar = {"name": "sidecar", "state": {"terminated": {"exitCode": 9}}}
    return {"containerStatuses": [sidecar, {"name": "agent", "state": state}]}


def a_condition(kind: str, status: str, **more: str) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, "lastTransitionTime": AT, **more}]}


def test_the_facts_of_a_running_pod() -> None:
    status = {**an_agent({"running": {"startedAt": AT}}), **a_condition("Ready", "True")}
    pod = pod_facts(a_body(status))
    assert (pod.name, pod.uid, pod.owner_uid, pod.version) == ("p1", "pu1", "u1", 17)
    assert (pod.created_at, pod.generation, pod.node, pod.ready) == (TIME, 3, "n1", True)
    assert (pod.agent.running_since, pod.started, pod.over) == (TIME, True, False)


def test_a_bare_pod_has_no_facts_and_no_errors() -> None:
    assert pod_facts({"metadata": {"name": "p1", "uid": "u"}}) == PodFacts("p1", "u")


def test_the_last_words_are_the_first_line_of_the_termination_message() -> None:
    message = ended().model_dump_json() + "\nleft over from a longer one"
    terminated = {"exitCode": 0, "finishedAt": AT, "message": message, "reason": "Completed"}
    agent = pod_facts(a_body(an_agent({"terminated": terminated}))).agent
    assert (agent.exit_code, agent.finished_at, agent.last_words) == (0, TIME, ended())


@pytest.mark.parametrize("message", ["", "exec: python3 not found", '{"v":1', '{"v":2}', "{}"])
def test_a_message_that_is_no_snapshot_is_kept_as_a_fault(message: str) -> None:
    assert parse_snapshot(message) is None
    terminated = {"exitCode": 128, "message": message, "reason": "StartError"}
    agent = pod_facts(a_body(an_agent({"terminated": terminated}))).agent
    assert (agent.last_words, agent.fault) == (None, message)


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("ErrImagePull", "ImagePullError"),
        ("ImagePullBackOff", "ImagePullError"),
        ("CreateContainerConfigError", "ConfigError"),
        ("ContainerCreating", None),
        ("PodInitializing", None),
    ],
)
def test_why_a_container_waits(word: str, reason: str | None) -> None:
    waiting = an_agent({"waiting": {"reason": word, "message": 'secret "s1" not found'}})
    pod = pod_facts(a_body(waiting))
    assert pod.waiting == reason
    told = 'container agent: secret "s1" not found' if reason else ""
    assert pod.waiting_message == told


def test_why_a_pod_is_not_scheduled() -> None:
    pod = pod_facts(a_body(a_condition("PodScheduled", "False", message="0/3 nodes")))
    assert (pod.waiting, pod.waiting_message) == ("Unschedulable", "0/3 nodes")


@pytest.mark.parametrize(
    ("ready", "containers_ready", "since"),
    [("False", "True", TIME), ("False", "False", None), ("True", "True", None)],
)
def test_the_node_controller_takes_ready_alone(
    ready: str, containers_ready: str, since: datetime | None
) -> None:
    ours = a_condition("Ready", ready)["conditions"]
    theirs = a_condition("ContainersReady", containers_ready)["conditions"]
    assert pod_facts(a_body({"conditions": [*ours, *theirs]})).unreachable_since == since


def test_a_scheduling_gate_is_told_from_a_full_cluster() -> None:
    gated = a_condition("PodScheduled", "False", reason="SchedulingGated")
    assert pod_facts(a_body(gated)).gated
    assert not pod_facts(a_body(a_condition("PodScheduled", "False"))).gated


def test_a_node_that_says_nothing() -> None:
    assert pod_facts(a_body(a_condition("Ready", "Unknown"))).unreachable_since == TIME


@pytest.mark.parametrize(
    "status", [{"reason": "Evicted"}, a_condition("DisruptionTarget", "True", message="drained")]
)
def test_evictions(status: dict[str, Any]) -> None:
    assert pod_facts(a_body({"phase": "Failed", **status})).evicted


def test_a_failed_init_container_is_named() -> None:
    failed = {"name": "clone", "state": {"terminated": {"exitCode": 2, "message": "no such repo"}}}
    pod = pod_facts(a_body({"phase": "Failed", "initContainerStatuses": [failed]}))
    assert pod.init_failure == "init container clone ended with exit code 2: no such repo"
    assert pod.over


def test_a_pod_in_deletion_is_terminating() -> None:
    assert pod_facts(a_body(deletionTimestamp=AT)).gone_by == TIME


def test_one_whose_status_tells_only_of_its_end_has_started_and_is_over() -> None:
    pod = pod_facts(a_body(an_agent({"terminated": {"exitCode": 0, "startedAt": AT}})))
    assert (pod.started, pod.over) == (True, True)
    assert (pod.agent.running_since, pod.agent.started_at) == (None, TIME)
    lost = pod_facts(a_body({"phase": "Failed"}))
    assert (lost.started, lost.over) == (False, True)


def test_its_message_is_the_pods_or_that_of_what_disrupts_it() -> None:
    drained = a_condition("DisruptionTarget", "True", message="drained")
    assert pod_facts(a_body(drained)).message == "drained"
    assert pod_facts(a_body({**drained, "message": "low on memory"})).message == "low on memory"


@pytest.mark.parametrize("text", [None, "", 7])
def test_a_time_that_is_none_is_none(text: object) -> None:
    assert time_of(text) is None
    assert time_of(AT) == TIME


def test_one_whose_readiness_gates_are_not_met_is_on_a_node_that_speaks() -> None:
    ready = a_condition("Ready", "False", reason="ReadinessGatesNotReady")["conditions"]
    containers = a_condition("ContainersReady", "True")["conditions"]
    assert pod_facts(a_body({"conditions": [*ready, *containers]})).unreachable_since is None


@pytest.mark.parametrize("words", [ended().model_dump_json(), '{"v": 9}'])
def test_last_words_of_any_version_are_no_fault(words: str) -> None:
    agent = pod_facts(a_body(an_agent({"terminated": {"exitCode": 1, "message": words}}))).agent
    assert agent.fault == ""


def test_of_words_of_another_version_it_is_known_why_they_are_not_understood() -> None:
    message = '{"v": 9}'
    agent = pod_facts(a_body(an_agent({"terminated": {"exitCode": 1, "message": message}}))).agent
    assert (agent.last_words, bool(agent.unreadable)) == (None, True)


def test_a_wait_without_a_message_is_told_by_its_word() -> None:
    pod = pod_facts(a_body(an_agent({"waiting": {"reason": "ErrImagePull"}})))
    assert pod.waiting_message == "container agent: ErrImagePull"


def test_our_own_init_container_is_told_from_others() -> None:
    failed = {"name": RUNNER_CONTAINER, "state": {"terminated": {"exitCode": 1}}}
    pod = pod_facts(a_body({"initContainerStatuses": [failed]}))
    assert pod.init_failure == (
        f"the runner's init container {RUNNER_CONTAINER} ended with exit code 1"
    )


@pytest.mark.parametrize("text", ["7", '"Ended"', "null", "[]"])
def test_json_that_is_no_object_is_no_snapshot(text: str) -> None:
    assert parse_snapshot(text) is None


def test_a_node_that_says_nothing_is_told_by_ready_whatever_its_containers_were() -> None:
    ready = a_condition("Ready", "Unknown")["conditions"]
    containers = a_condition("ContainersReady", "True")["conditions"]
    assert pod_facts(a_body({"conditions": [*ready, *containers]})).unreachable_since == TIME
