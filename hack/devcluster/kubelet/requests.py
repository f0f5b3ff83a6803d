"""What logs and exec may be asked for, and what a kubelet answers otherwise. Pure."""

from devcluster.history import Object
from devcluster.ports import NodeError


def started_runs(pod: Object, name: str) -> int | None:
    """The number of the newest run of a container that has a log; None before the first."""
    for status in _statuses(pod, name):
        if "waiting" not in status["state"] or status.get("lastState"):
            return int(status["restartCount"])
    return None


def waiting_to_start(pod: Object, name: str) -> NodeError:
    reasons = [s["state"].get("waiting", {}).get("reason") for s in _statuses(pod, name)]
    reason = next(filter(None, reasons), "ContainerCreating")
    pod_name = pod["metadata"]["name"]
    return NodeError(f'container "{name}" in pod "{pod_name}" is waiting to start: {reason}')


def no_previous(pod: Object, name: str) -> NodeError:
    words = f'previous terminated container "{name}" in pod "{pod["metadata"]["name"]}" not found'
    return NodeError(words)


def not_running(pod: Object, name: str) -> NodeError:
    phase = (pod.get("status") or {}).get("phase")
    if phase in ("Succeeded", "Failed"):
        words = "cannot exec into a container in a completed pod; current phase is"
        return NodeError(f"{words} {phase}")
    return NodeError(f'container not found ("{name}")', code=500, reason="InternalError")


def unreachable(node: str) -> NodeError:
    words = f"error dialing backend: dial tcp: node {node}: i/o timeout"
    return NodeError(words, code=500, reason="InternalError")


def no_such_pod(name: str) -> NodeError:
    return NodeError(f'pods "{name}" not found', code=404, reason="NotFound")


def _statuses(pod: Object, name: str) -> list[Object]:
    status = pod.get("status") or {}
    every = [
        *(status.get("initContainerStatuses") or ()),
        *(status.get("containerStatuses") or ()),
    ]
    return [one for one in every if one["name"] == name]
