"""The columns of the built-in resources, as `kubectl get` knows them. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from devcluster import descriptions
from devcluster.ages import age
from devcluster.history import Object


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    cell: Callable[[Object, datetime], Any]
    kind: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0
    """0 is always shown, more only with -o wide."""

    def definition(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.kind,
            "format": self.format,
            "description": self.description or self.name,
            "priority": self.priority,
        }


def _text(name: str, *path: str, default: str = "", wide: bool = False) -> Column:
    return Column(name, lambda obj, _: dig(obj, *path) or default, priority=int(wide))


def dig(obj: Any, *path: str) -> Any:
    """The value at a path of keys, or None."""
    for key in path:
        obj = obj.get(key) if isinstance(obj, dict) else None
    return obj


def pod_status(pod: Object) -> str:
    """The STATUS column: the word that says most."""
    status = pod.get("status") or {}
    word = status.get("reason") or status.get("phase") or "Unknown"
    starting = _init_status(pod, status)
    if starting:
        word = starting
    else:
        for container in reversed(status.get("containerStatuses") or []):
            word = _container_word(container.get("state") or {}) or word
        if word == "Completed" and _any_running(status):
            word = "Running" if _is_ready(status) else "NotReady"
    if pod["metadata"].get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(word)


def _init_status(pod: Object, status: Object) -> str:
    """Which init container is not done; empty when all are."""
    statuses = status.get("initContainerStatuses") or []
    for index, container in enumerate(statuses):
        state = container.get("state") or {}
        if dig(state, "terminated", "exitCode") == 0:
            continue
        word = _container_word(state)
        if word and word != "PodInitializing":
            return f"Init:{word}"
        return f"Init:{index}/{len(dig(pod, 'spec', 'initContainers') or [])}"
    return ""


def _container_word(state: Object) -> str:
    if reason := dig(state, "waiting", "reason") or dig(state, "terminated", "reason"):
        return str(reason)
    if ended := state.get("terminated"):
        if ended.get("signal"):
            return f"Signal:{ended['signal']}"
        return f"ExitCode:{ended.get('exitCode', 0)}"
    return ""


def _any_running(status: Object) -> bool:
    statuses = status.get("containerStatuses") or []
    return any(dig(c, "state", "running") is not None and c.get("ready") for c in statuses)


def _is_ready(status: Object) -> bool:
    conditions = status.get("conditions") or []
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _pod_ready(pod: Object, _now: datetime) -> str:
    statuses = dig(pod, "status", "containerStatuses") or []
    ready = sum(bool(c.get("ready")) for c in statuses)
    return f"{ready}/{len(dig(pod, 'spec', 'containers') or [])}"


def _pod_restarts(pod: Object, _now: datetime) -> str:
    statuses = dig(pod, "status", "containerStatuses") or []
    return str(sum(c.get("restartCount", 0) for c in statuses))


def _node_status(node: Object, _now: datetime) -> str:
    return "Ready" if _is_ready(node.get("status") or {}) else "NotReady"


def _involved(event: Object, _now: datetime) -> str:
    about = event.get("involvedObject") or {}
    return f"{about.get('kind', '').lower()}/{about.get('name', '')}"


def _last_seen(event: Object, now: datetime) -> str:
    """An event that is part of a series was last seen with the newest of it."""
    series = dig(event, "series", "lastObservedTime")
    last = series or event.get("lastTimestamp") or event.get("eventTime")
    return age(last or event.get("firstTimestamp"), now)


def _source(event: Object, _now: datetime) -> str:
    return str(dig(event, "source", "component") or event.get("reportingComponent") or "")


NAME: Final = Column(
    "Name",
    lambda obj, _: obj["metadata"]["name"],
    format="name",
    description=descriptions.NAME,
)
AGE: Final = Column(
    "Age",
    lambda obj, now: age(dig(obj, "metadata", "creationTimestamp"), now),
    description=descriptions.AGE,
)
_DATA: Final = Column("Data", lambda obj, _: len(obj.get("data") or {}))

COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    "pods": (
        NAME,
        Column("Ready", _pod_ready),
        Column("Status", lambda pod, _: pod_status(pod)),
        Column("Restarts", _pod_restarts),
        AGE,
        _text("IP", "status", "podIP", default="<none>", wide=True),
        _text("Node", "spec", "nodeName", default="<none>", wide=True),
        _text("Nominated Node", "status", "nominatedNodeName", default="<none>", wide=True),
        Column("Readiness Gates", lambda *_: "<none>", priority=1),
    ),
    "events": (
        Column("Last Seen", _last_seen),
        _text("Type", "type"),
        _text("Reason", "reason"),
        Column("Object", _involved),
        _text("Subobject", "involvedObject", "fieldPath", wide=True),
        Column("Source", _source, priority=1),
        Column("Message", lambda event, _: str(event.get("message", "")).strip()),
        Column("Name", lambda event, _: event["metadata"]["name"], format="name", priority=1),
    ),
    "namespaces": (NAME, _text("Status", "status", "phase"), AGE),
    "secrets": (NAME, _text("Type", "type"), _DATA, AGE),
    "configmaps": (NAME, _DATA, AGE),
    "nodes": (
        NAME,
        Column("Status", _node_status),
        Column("Roles", lambda *_: "<none>"),
        AGE,
        _text("Version", "status", "nodeInfo", "kubeletVersion"),
    ),
    "persistentvolumeclaims": (NAME, _text("Status", "status", "phase"), AGE),
    "leases.coordination.k8s.io": (NAME, _text("Holder", "spec", "holderIdentity"), AGE),
    "customresourcedefinitions.apiextensions.k8s.io": (
        NAME,
        _text("Created At", "metadata", "creationTimestamp"),
    ),
}
