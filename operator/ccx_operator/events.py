"""The Event that tells people of a transition: `kubectl describe` shows the story. Pure."""

import hashlib
from datetime import UTC, datetime
from typing import Any, Final

from ccx_api.conditions import Reason
from ccx_api.names import API_VERSION, KIND, USAGE_RECORD
from ccx_api.status import ExecutionStatus, Phase
from ccx_api.v1alpha1 import ClaudeExecution

COMPONENT: Final = "ccx-operator"

_WORRYING: Final = frozenset(
    {
        Reason.RESTORED,
        Reason.QUOTA_EXCEEDED,
        Reason.UNSCHEDULABLE,
        Reason.IMAGE_PULL_ERROR,
        Reason.CONFIG_ERROR,
        Reason.NODE_UNREACHABLE,
        Reason.RETRYING,
    }
)
_PLAIN: Final = {
    Phase.RUNNING: "its process runs",
    Phase.SUCCEEDED: "its process completed",
}


def transition_event(
    execution: ClaudeExecution, status: ExecutionStatus, now: datetime
) -> dict[str, Any] | None:
    """From execution.status to `status`; None if phase and reason stay.

    The name follows from the transition: told twice, it is the API server's 409.
    """
    before = execution.status
    if (before.phase, before.reason) == (status.phase, status.reason):
        return None
    return _event(
        _name(execution, status),
        _reference(execution),
        warns=_is_warning(status),
        reason=status.reason,
        message=f"{status.phase}: {_text(status)}",
        now=now,
    )


def usage_lost_event(namespace: str, executions: int, words: str, now: datetime) -> dict[str, Any]:
    """About the record, which may not exist."""
    count = f"{executions} execution{'s' * (executions != 1)}"
    digest = hashlib.sha256(f"{_time(now)}/{executions}/{words}".encode()).hexdigest()[:16]
    record = {"apiVersion": "v1", "kind": "ConfigMap", "name": USAGE_RECORD, "namespace": namespace}
    return _event(
        f"{USAGE_RECORD}.{digest}",
        record,
        warns=True,
        reason="UsageLost",
        message=f"the usage of {count} could not be recorded: {words}",
        now=now,
    )


def _event(
    name: str, about: dict[str, str], *, warns: bool, reason: str, message: str, now: datetime
) -> dict[str, Any]:
    """Once, and just now."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": about["namespace"]},
        "involvedObject": about,
        "type": "Warning" if warns else "Normal",
        "reason": reason,
        "message": message[:1024],
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": "",
        "firstTimestamp": _time(now),
        "lastTimestamp": _time(now),
        "count": 1,
    }


def _time(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _reference(execution: ClaudeExecution) -> dict[str, str]:
    metadata = execution.metadata
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": metadata.name,
        "namespace": metadata.namespace,
        "uid": metadata.uid,
    }


def _text(status: ExecutionStatus) -> str:
    return status.message or _PLAIN.get(status.phase, status.reason)


def _is_warning(status: ExecutionStatus) -> bool:
    return status.phase is Phase.FAILED or status.reason in _WORRYING


def _name(execution: ClaudeExecution, status: ExecutionStatus) -> str:
    metadata = execution.metadata
    told = f"{metadata.uid}/{status.phase}/{status.reason}/{status.observed_generation}"
    told += f"/{status.attempts}" if (status.attempts or 1) > 1 else ""
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    return f"{metadata.name[:200].rstrip('-.')}.{digest}"
