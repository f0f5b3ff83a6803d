"""The few facts of a pod that decisions rest on, read from its body. Pure.

    watch event or API answer (a dict) -> pod_facts() -> store.py

The body is dropped at once: a thousand pods must not live in the operator's memory.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ccx_api.conditions import Reason
from ccx_api.names import AGENT_CONTAINER, ANNOTATION_GENERATION, RUNNER_CONTAINER
from ccx_api.snapshot import Snapshot
from ccx_operator.last_words import other_version, parse_snapshot

Body = Mapping[str, Any]

MAX_MESSAGE = 1024
"""Of a message that somebody else wrote: what a person reads of it in `kubectl describe`."""

_IMAGE_REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    }
)
_CONFIG_REASONS = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError"}
)


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """The container that the runner is PID 1 of."""

    running_since: datetime | None = None
    """None also where it has ended."""

    started_at: datetime | None = None
    """Where it runs or has ended, and its node has told."""

    exit_code: int | None = None
    reason: str = ""
    """The kubelet's word on the end, e.g. OOMKilled or StartError."""

    finished_at: datetime | None = None
    last_words: Snapshot | None = None
    """From the termination message: the kubelet reads it whatever ends the container."""

    unreadable: str = ""
    """Why they are not understood: another version."""

    fault: str = ""
    """What the termination message says where it is no snapshot, e.g. why nothing started."""


@dataclass(frozen=True, slots=True)
class PodFacts:
    name: str
    uid: str
    owner_uid: str = ""
    version: int = 0
    """The resourceVersion, to tell an older event from a newer one."""

    created_at: datetime | None = None
    generation: int = 0
    """The metadata.generation of the execution that the pod's first wish was taken from."""

    phase: str = "Pending"
    reason: str = ""
    message: str = ""
    ready: bool = False
    node: str | None = None
    waiting: Reason | None = None
    """Why its process has not started, where the kubelet or the scheduler says so."""

    waiting_message: str = ""
    gated: bool = False
    """A scheduling gate, such as a queue's, holds it."""

    scheduled_at: datetime | None = None
    unreachable_since: datetime | None = None
    gone_by: datetime | None = None
    """Its deletionTimestamp: when the grace of a deletion that was asked for is over."""

    left_sight: bool = False
    """The watch says that it is gone, although nothing had ended: it may merely have lost its
    label. It is read again before it is called lost."""

    evicted: bool = False
    init_failure: str = ""
    """Which init container failed, and how."""

    agent: AgentFacts = AgentFacts()

    @property
    def terminating(self) -> bool:
        return self.gone_by is not None

    @property
    def started(self) -> bool:
        return self.agent.running_since is not None or self.agent.exit_code is not None

    @property
    def over(self) -> bool:
        """Nothing of the execution runs in it any more. A sidecar may."""
        return self.agent.exit_code is not None or self.phase in ("Succeeded", "Failed")


def pod_facts(pod: Body) -> PodFacts:
    metadata, spec, status = _get(pod, "metadata"), _get(pod, "spec"), _get(pod, "status")
    conditions: Body = {str(c.get("type")): c for c in _items(status, "conditions")}
    ready, disrupted = conditions.get("Ready", {}), conditions.get("DisruptionTarget", {})
    scheduled = conditions.get("PodScheduled", {})
    waiting, waiting_message = _waiting(status, conditions)
    return PodFacts(
        name=metadata.get("name", ""),
        uid=metadata.get("uid", ""),
        owner_uid=_controller_uid(metadata),
        version=version_of(metadata),
        created_at=time_of(metadata.get("creationTimestamp")),
        generation=_int(_get(metadata, "annotations").get(ANNOTATION_GENERATION)),
        phase=status.get("phase", "Pending"),
        reason=str(status.get("reason", "")),
        message=str(status.get("message", "") or disrupted.get("message", ""))[:MAX_MESSAGE],
        ready=ready.get("status") == "True",
        node=spec.get("nodeName"),
        waiting=waiting,
        waiting_message=waiting_message,
        unreachable_since=_unreachable_since(ready, conditions.get("ContainersReady", {})),
        gated=scheduled.get("reason") == "SchedulingGated",
        scheduled_at=_since(scheduled, "True"),
        gone_by=time_of(metadata.get("deletionTimestamp")),
        evicted=status.get("reason") == "Evicted" or disrupted.get("status") == "True",
        init_failure=_init_failure(status),
        agent=_agent(status),
    )


def version_of(metadata: Body) -> int:
    """0 where it is missing. Real servers count up, and promise so since 1.35."""
    return _int(metadata.get("resourceVersion"))


def time_of(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) and text else None


def _unreachable_since(ready: Body, containers_ready: Body) -> datetime | None:
    """A kubelet takes both conditions back together; the node controller, which speaks for one
    that has fallen silent, takes Ready alone. A paused pod was not Ready before: no sign there.
    """
    by_node = (
        ready.get("status") == "False"
        and containers_ready.get("status") == "True"
        and ready.get("reason") != "ReadinessGatesNotReady"
    )
    return _since(ready, "False" if by_node else "Unknown")


def _since(condition: Body, status: str) -> datetime | None:
    same = condition.get("status") == status
    return time_of(condition.get("lastTransitionTime")) if same else None


def _agent(status: Body) -> AgentFacts:
    state = _get(_container(status, "containerStatuses", AGENT_CONTAINER), "state")
    if "terminated" not in state:
        since = time_of(_get(state, "running").get("startedAt"))
        return AgentFacts(running_since=since, started_at=since)
    ended = _get(state, "terminated")
    message = str(ended.get("message", ""))
    snapshot, words = parse_snapshot(message), other_version(message)
    return AgentFacts(
        started_at=time_of(ended.get("startedAt")),
        exit_code=_int(ended.get("exitCode")),
        reason=str(ended.get("reason", "")),
        finished_at=time_of(ended.get("finishedAt")),
        last_words=snapshot,
        unreadable=words,
        fault="" if snapshot or words else message[:MAX_MESSAGE],
    )


def _waiting(status: Body, conditions: Body) -> tuple[Reason | None, str]:
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        return Reason.UNSCHEDULABLE, str(scheduled.get("message", ""))[:MAX_MESSAGE]
    for container in _containers(status):
        waiting = _get(_get(container, "state"), "waiting")
        word, message = str(waiting.get("reason", "")), str(waiting.get("message", ""))
        reason = (
            Reason.IMAGE_PULL_ERROR
            if word in _IMAGE_REASONS
            else Reason.CONFIG_ERROR
            if word in _CONFIG_REASONS
            else None
        )
        if reason is not None:
            text = f"container {container.get('name')}: {message or word}"
            return reason, text[:MAX_MESSAGE]
    return None, ""


def _init_failure(status: Body) -> str:
    for container in _items(status, "initContainerStatuses"):
        ended = _get(_get(container, "state"), "terminated")
        if code := _int(ended.get("exitCode")):
            name, message = container.get("name"), str(ended.get("message", "")).strip()
            whose = "the runner's init container" if name == RUNNER_CONTAINER else "init container"
            text = f"{whose} {name} ended with exit code {code}"
            return (f"{text}: {message}" if message else text)[:MAX_MESSAGE]
    return ""


def _containers(status: Body) -> Iterator[Body]:
    yield from _items(status, "initContainerStatuses")
    yield from _items(status, "containerStatuses")


def _container(status: Body, field: str, name: str) -> Body:
    return next((c for c in _items(status, field) if c.get("name") == name), {})


def _controller_uid(metadata: Body) -> str:
    owners = _items(metadata, "ownerReferences")
    return next((str(o.get("uid")) for o in owners if o.get("controller")), "")


def _get(body: Body, field: str) -> Body:
    found = body.get(field)
    return found if isinstance(found, Mapping) else {}


def _items(body: Body, field: str) -> list[Body]:
    return body.get(field) or []


def _int(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0
