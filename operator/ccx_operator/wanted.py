"""What the spec wants of the process, and how long its end may take. Pure."""

from datetime import datetime, timedelta

from ccx_api.conditions import Reason
from ccx_api.names import FINALIZER
from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution, DesiredState
from ccx_api.wish import Wish

PATIENCE = timedelta(seconds=30)
"""What an end may take beyond the grace before the pod, or the finalizer, goes."""

LAST_CALL = timedelta(seconds=10)
"""Before a finalizer goes whose process is not known to have ended."""

GATEWAY_FIRST = 0.2
"""Seconds in which a gateway delivers what its client wishes; most take a tenth of that."""


def head_start(before: ClaudeExecution | None, execution: ClaudeExecution) -> float:
    """Seconds to wait for the gateway that serves a running execution's session.

    It has the link to the runner open. The same work done twice at once would only make both
    slower, on the node too; what it does not do by then, the operator does.
    """
    session = execution.spec.session
    served = session is not None and session.gateway is not None
    runs = execution.status.phase in (Phase.RUNNING, Phase.PAUSED)
    if before is None or not served or not runs or execution.metadata.deletion_timestamp:
        return 0.0
    wished = execution.spec.desired_state is not before.spec.desired_state
    return GATEWAY_FIRST if wished else 0.0


def cancel_wanted(execution: ClaudeExecution) -> bool:
    """To delete the object is to cancel it, and so is to close its session."""
    deleted = execution.metadata.deletion_timestamp is not None
    cancelled = execution.spec.desired_state is DesiredState.CANCELLED
    return deleted or cancelled or is_closing(execution)


def is_closing(execution: ClaudeExecution) -> bool:
    """The operator has closed its session: that stands in the status, and is not taken back."""
    return execution.status.reason == Reason.SESSION_CLOSED


def cancel_reason(execution: ClaudeExecution) -> Reason:
    """A session without a gateway was closed by the gateway itself."""
    session = execution.spec.session
    closed = is_closing(execution) or (session is not None and session.gateway is None)
    return Reason.SESSION_CLOSED if closed else Reason.CANCELLED_BY_USER


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


def last_call(execution: ClaudeExecution) -> datetime | None:
    """When the end of a deleted execution is told as far as it is known: what it has used is
    recorded by what stands in its status, and that takes a moment.
    """
    held = held_until(execution)
    return None if held is None else held - LAST_CALL


def soonest(now: datetime, *times: datetime | None) -> float | None:
    """Seconds until the first of the times that are set: a decision's check_after."""
    known = [time for time in times if time is not None]
    return max(0.0, (min(known) - now).total_seconds()) if known else None
