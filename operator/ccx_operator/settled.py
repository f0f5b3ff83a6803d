"""Which executions are settled: they have ended, their finalizer has gone, nothing is left to do.

Told by an object as it comes, before it is made a model of: there may be ten thousand. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ccx_api.names import FINALIZER
from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution

_TERMINAL: Final = {phase.value: phase for phase in Phase if phase.is_terminal}


def settled_phase(body: Mapping[str, Any]) -> Phase | None:
    """None: something may be left to do."""
    if FINALIZER in (body["metadata"].get("finalizers") or ()):
        return None
    return _TERMINAL.get(str((body.get("status") or {}).get("phase")))


@dataclass(frozen=True, slots=True)
class Expiry:
    """When a settled execution is to be deleted, for spec.ttlSecondsAfterFinished."""

    namespace: str
    name: str
    due: float
    """In seconds since the epoch."""

    version: str
    """The resourceVersion that says so: only that one is deleted."""

    def is_older_than(self, other: "Expiry") -> bool:
        both = self.version, other.version
        return all(map(str.isdecimal, both)) and int(self.version) < int(other.version)


def expiry_in(body: Mapping[str, Any]) -> Expiry | None:
    """None: it stays, or somebody has deleted it already."""
    metadata, ttl = body["metadata"], (body.get("spec") or {}).get("ttlSecondsAfterFinished")
    completed = (body.get("status") or {}).get("completionTime")
    if ttl is None or not completed or metadata.get("deletionTimestamp"):
        return None
    due = datetime.fromisoformat(completed).timestamp() + ttl
    return Expiry(metadata["namespace"], metadata["name"], due, metadata["resourceVersion"])


def expiry_of(execution: ClaudeExecution) -> Expiry | None:
    metadata, ttl = execution.metadata, execution.spec.ttl_seconds_after_finished
    completed = execution.status.completion_time
    if ttl is None or completed is None or metadata.deletion_timestamp is not None:
        return None
    due = completed.timestamp() + ttl
    return Expiry(metadata.namespace, metadata.name, due, metadata.resource_version)
