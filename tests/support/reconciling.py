"""Builders for tests of the operator's decisions: each shows only what its case is about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ccx_api.names import ANNOTATION_STARTED_AS, FINALIZER
from ccx_api.snapshot import Snapshot
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.facts import AgentFacts, PodFacts
from ccx_operator.observed import Gone, Looked, Observed, Refusal, RefusalKind
from ccx_operator.pod_name import pod_name

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
UID = "0f1e2d3c-0000-4000-8000-000000000001"
POD_UID = "9a000000-0000-4000-8000-000000000002"
POD = f"cx-e1-{UID[:8]}-1"
NEXT_POD = f"cx-e1-{UID[:8]}-2"


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def an_execution(
    *,
    command: list[str] | None = None,
    desired: str = "Running",
    generation: int = 1,
    finalizer: bool = True,
    started_as: str | None = None,
    deleted: float | None = None,
    status: dict[str, Any] | None = None,
    **spec: object,
) -> ClaudeExecution:
    """With a prompt if no command is given; `deleted` so many seconds ago.

    With the finalizer it is marked as started, unless it is said as which.
    """
    mark = started_as or (UID if finalizer else None)
    metadata: dict[str, Any] = {
        "name": "e1",
        "namespace": "ns",
        "uid": UID,
        "generation": generation,
        "resourceVersion": "1",
        "finalizers": [FINALIZER] if finalizer else [],
        "annotations": {ANNOTATION_STARTED_AS: mark} if mark else None,
        "deletionTimestamp": None if deleted is None else ago(deleted),
    }
    task: dict[str, object] = {"prompt": "hi"} if command is None else {"command": command}
    body = {
        "metadata": metadata,
        "spec": {"desiredState": desired, **task, **spec},
        "status": status or {},
    }
    return ClaudeExecution.model_validate(body)


def was(phase: str, reason: str = "", **status: object) -> dict[str, Any]:
    """The status of an execution that has a pod."""
    started = phase in ("Running", "Paused")
    return {
        "phase": phase,
        "reason": reason,
        "podName": POD,
        "podUID": POD_UID,
        "observedGeneration": 1,
        **({"startTime": ago(60)} if started else {}),
        **status,
    }


def a_pod(
    *,
    running: bool = False,
    exit_code: int | None = None,
    age: float = 60,
    agent: dict[str, Any] | None = None,
    **facts: Any,
) -> PodFacts:
    container = AgentFacts(
        running_since=ago(age - 1) if running else None,
        started_at=ago(age - 1) if running or exit_code is not None else None,
        exit_code=exit_code,
        **(agent or {}),
    )
    defaults: dict[str, Any] = {
        "name": POD,
        "uid": POD_UID,
        "owner_uid": UID,
        "version": 5,
        "created_at": ago(age),
        "generation": 1,
        "phase": "Running" if running else "Pending",
        "ready": running,
        "node": "n1",
        "agent": container,
    }
    return PodFacts(**{**defaults, **facts})


def a_snapshot(state: str = "Running", **facts: Any) -> Snapshot:
    defaults: dict[str, Any] = {
        "v": 1,
        "state": state,
        "generation": 1,
        "pid": 7,
        "pgid": 7,
        "startedAt": ago(59).timestamp(),
        "activeSeconds": 5.0,
    }
    return Snapshot.model_validate({**defaults, **facts})


def ended(exit_code: int = 0, ended_by: str | None = None, **facts: Any) -> Snapshot:
    return a_snapshot("Ended", exitCode=exit_code, endedBy=ended_by, **facts)


def claude(*, is_error: bool | None = False, **facts: Any) -> dict[str, Any]:
    return {"claude": {"sessionID": UID, "turns": 2, "isError": is_error, **facts}}


def seen(pod: PodFacts | Gone | None = None, **facts: Any) -> Observed:
    """A pod that was looked at just now."""
    looked = Looked(NOW, pod.ready) if isinstance(pod, PodFacts) else None
    return Observed(**{"pod": pod, "looked": looked, **facts})


assert pod_name(an_execution()) == POD


def refused(kind: str, seconds_ago: float = 0) -> Refusal:
    return Refusal(RefusalKind(kind), "the server's words", ago(seconds_ago))


def over(snapshot: Any = None, **facts: Any) -> Observed:
    """The container has ended with code 1."""
    return seen(a_pod(exit_code=1, **facts), snapshot=snapshot)


def silent(**pod: Any) -> Observed:
    """Its gateway g1 has not been heard of for too long."""
    return seen(a_pod(**pod), silent_gateway="g1")


def drained(snapshot: Snapshot, *, seconds: float = 1, **pod: Any) -> Observed:
    """Its process has ended so many seconds ago, its container has not."""
    container = a_pod(running=True, ready=False, **pod)
    return seen(container, snapshot=snapshot, ending_since=ago(seconds))
