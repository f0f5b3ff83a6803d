"""What the spec wants of the process, and how long its end may take. Pure."""

from datetime import datetime, timedelta

from ccx_api.names import FINALIZER
from ccx_api.v1alpha1 import ClaudeExecution, DesiredState
from ccx_api.wish import Wish

PATIENCE = timedelta(seconds=30)
"""What an end may take beyond the grace before the pod, or the finalizer, goes."""


def cancel_wanted(execution: ClaudeExecution) -> bool:
    """To delete the object is to cancel it."""
    deleted = execution.metadata.deletion_timestamp is not None
    return deleted or execution.spec.desired_state is DesiredState.CANCELLED


def wish_of(execution: ClaudeExecution) -> Wish:
    wish = Wish.of(execution)
    if cancel_wanted(execution):
        return wish.model_copy(update={"desired_state": DesiredState.CANCELLED})
    return wish


def grace(execution: ClaudeExecution) -> timedelta:
    return timedelta(seconds=execution.spec.termination_grace_period_seconds)


def held_until(execution: ClaudeExecution) -> datetime | None:
    """When the finalizer goes, whatever has become of the process. None: no deletion is asked."""
    deleted = execution.metadata.deletion_timestamp
    if deleted is None or FINALIZER not in execution.metadata.finalizers:
        return None
    return deleted + grace(execution) + PATIENCE


def soonest(now: datetime, *times: datetime | None) -> float | None:
    """Seconds until the first of the times that are set: a decision's check_after."""
    known = [time for time in times if time is not None]
    return max(0.0, (min(known) - now).total_seconds()) if known else None
