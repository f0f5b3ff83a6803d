"""A pod's status from what its containers do: phase, conditions, container statuses. Pure.

ContainerFacts, PodFacts -> phase -> conditions -> status (what is not ours in it stays)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from devcluster.history import Object
from devcluster.kubelet.container_state import (
    ContainerFacts,
    Running,
    Terminated,
    Waiting,
    timestamp,
)
from devcluster.kubelet.lookup import NODE_IP
from devcluster.kubelet.quality_of_service import qos_class

TERMINAL: Final = ("Succeeded", "Failed")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The node has ended the pod."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class PodFacts:
    start_time: datetime
    init: tuple[ContainerFacts, ...]
    containers: tuple[ContainerFacts, ...]
    has_sandbox: bool = True
    """Volumes are there and containers may start; the pod has an address from then on."""

    verdict: Verdict | None = None
    """Becomes phase Failed when no container runs any more, and a condition at once."""


def pod_status(pod: Object, facts: PodFacts, *, now: datetime) -> Object:
    """The new status. A terminal phase and its reason are never left."""
    old = pod.get("status") or {}
    phase = phase_of(pod["spec"].get("restartPolicy", "Always"), facts)
    if old.get("phase") in TERMINAL:
        phase = old["phase"]
    conditions = _merged(old.get("conditions") or [], _conditions(phase, facts), now)
    status = old | {
        "phase": phase,
        "conditions": conditions,
        "hostIP": NODE_IP,
        "hostIPs": [{"ip": NODE_IP}],
        "startTime": old.get("startTime") or timestamp(facts.start_time),
        "qosClass": qos_class(pod["spec"]),
        "containerStatuses": [container.json() for container in facts.containers],
    }
    if facts.init:
        status["initContainerStatuses"] = [container.json() for container in facts.init]
    if facts.has_sandbox:
        status |= {"podIP": NODE_IP, "podIPs": [{"ip": NODE_IP}]}
    if facts.verdict and phase == "Failed" and old.get("phase") not in TERMINAL:
        status |= {"reason": facts.verdict.reason, "message": facts.verdict.message}
    return status


def phase_of(policy: str, facts: PodFacts) -> str:
    """As the kubelet's getPhase."""
    everyone = (*facts.init, *facts.containers)
    if facts.verdict and not any(isinstance(c.state, Running) for c in everyone):
        return "Failed"
    for container in facts.init:
        if not _has_succeeded(container):
            ended = isinstance(container.state, Terminated)
            return "Failed" if ended and policy == "Never" else "Pending"
    states = [container.state for container in facts.containers]
    if any(isinstance(c.state, Waiting) and not c.last_state for c in facts.containers):
        return "Pending"
    if policy == "Always" or any(isinstance(state, Running) for state in states):
        return "Running"
    if all(_has_succeeded(container) for container in facts.containers):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def _has_succeeded(container: ContainerFacts) -> bool:
    return isinstance(container.state, Terminated) and container.state.exit_code == 0


def _conditions(phase: str, facts: PodFacts) -> list[Object]:
    ready = _containers_ready(phase, facts.containers)
    sandbox = facts.has_sandbox and phase not in TERMINAL
    return [
        *_disruption(facts.verdict),
        {"type": "PodReadyToStartContainers", "status": str(sandbox)},
        {"type": "Initialized", **_initialized(phase, facts)},
        {"type": "Ready", **ready},
        {"type": "ContainersReady", **ready},
        {"type": "PodScheduled", "status": "True"},
    ]


def _disruption(verdict: Verdict | None) -> list[Object]:
    if verdict is None:
        return []
    why = {"reason": "TerminationByKubelet", "message": verdict.message}
    return [{"type": "DisruptionTarget", "status": "True", **why}]


def _initialized(phase: str, facts: PodFacts) -> Object:
    if phase == "Succeeded":
        return {"status": "True", "reason": "PodCompleted"}
    incomplete = [c.name for c in facts.init if not _has_succeeded(c)]
    if incomplete:
        message = f"containers with incomplete status: [{' '.join(incomplete)}]"
        return {"status": "False", "reason": "ContainersNotInitialized", "message": message}
    return {"status": "True"}


def _containers_ready(phase: str, containers: Sequence[ContainerFacts]) -> Object:
    if phase in TERMINAL:
        reason = "PodCompleted" if phase == "Succeeded" else "PodFailed"
        return {"status": "False", "reason": reason}
    unready = [container.name for container in containers if not container.ready]
    if unready:
        message = f"containers with unready status: [{' '.join(unready)}]"
        return {"status": "False", "reason": "ContainersNotReady", "message": message}
    return {"status": "True"}


def lost_status(pod: Object, *, now: datetime) -> Object:
    """What the node controller writes about a pod whose node no longer answers: Ready alone."""
    ready = {"type": "Ready", "status": "False"}
    old = pod.get("status") or {}
    return old | {"conditions": _merged(old.get("conditions") or [], [ready], now)}


def with_condition(pod: Object, condition: Object, *, now: datetime) -> Object:
    """The status with one condition set, the others as they were."""
    old = pod.get("status") or {}
    return old | {"conditions": _merged(old.get("conditions") or [], [condition], now)}


def _merged(old: Sequence[Object], new: Sequence[Object], now: datetime) -> list[Any]:
    """Ours replace those of their type in place; a transition is a change of status."""
    before = {condition["type"]: condition for condition in old}
    ours = {c["type"]: _dated(c, before.get(c["type"]), now) for c in new}
    kept = [ours.pop(c["type"], c) for c in old]
    return [*kept, *ours.values()]


def _dated(condition: Object, before: Object | None, now: datetime) -> Object:
    same = before is not None and before["status"] == condition["status"]
    since = before["lastTransitionTime"] if same and before else timestamp(now)
    return {"lastProbeTime": None, "lastTransitionTime": since, **condition}
