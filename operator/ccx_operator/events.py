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
    namespace = execution.metadata.namespace
    time = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": _name(execution, status), "namespace": namespace},
        "involvedObject": _reference(execution),
        "type": "Warning" if _is_warning(status) else "Normal",
        "reason": status.reason,
        "message": f"{status.phase}: {_text(status)}"[:1024],
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": "",
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    }


def usage_lost_event(namespace: str, executions: int, words: str, now: datetime) -> dict[str, Any]:
    """About the record, which may not exist."""
    time = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    count = f"{executions} execution{'s' * (executions != 1)}"
    digest = hashlib.sha256(f"{time}/{executions}/{words}".encode()).hexdigest()[:16]
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{USAGE_RECORD}.{digest}", "namespace": namespace},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": USAGE_RECORD,
            "namespace": namespace,
        },
        "type": "Warning",
        "reason": "UsageLost",
        "message": f"the usage of {count} could not be recorded: {words}"[:1024],
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": "",
        "firstTimestamp": time,
        "lastTimestamp": time,
        "count": 1,
    }


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
