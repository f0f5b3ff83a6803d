"""Write phase, reason and message into a status, with the conditions that say the same. Pure."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal, NamedTuple

from ccx_api.conditions import Condition, ConditionType, Reason
from ccx_api.status import ExecutionStatus, Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator import frozen
from ccx_operator.wanted import is_closing

Truth = Literal["True", "False", "Unknown"]


class _Says(NamedTuple):
    type: ConditionType
    status: Truth
    reason: Reason


def settle(
    execution: ClaudeExecution,
    status: ExecutionStatus,
    phase: Phase,
    reason: Reason,
    message: str = "",
    *,
    now: datetime,
    stalled: bool = False,
) -> ExecutionStatus:
    """`status` at that phase, speaking of the execution's generation."""
    generation = execution.metadata.generation
    before = {condition.type: condition for condition in status.conditions}
    stalled = stalled or reason is Reason.STALLED
    conditions = tuple(
        _condition(says, before.get(says.type), generation, message, now)
        for says in (*_conditions(phase, reason), _stalled(stalled))
        if says.type is not ConditionType.STALLED or stalled or says.type in before
    )
    if is_closing(execution) and not phase.is_terminal:  # a cancel of ours outlives our memory
        reason, message = Reason.SESSION_CLOSED, execution.status.message
    update = {
        "observed_generation": generation,
        "phase": phase,
        "reason": reason.value,
        "message": message,
        "conditions": conditions,
    }
    return status.model_copy(update=update)


def _conditions(phase: Phase, reason: Reason) -> Iterator[_Says]:
    refused = reason is Reason.NOT_ALLOWED
    yield _either(ConditionType.ACCEPTED, not refused, Reason.ALLOWED, Reason.NOT_ALLOWED)
    free = phase is Phase.RUNNING and reason is not Reason.NODE_UNREACHABLE
    yield _either(ConditionType.POD_READY, free, Reason.READY, Reason.NOT_READY)
    yield _running(phase, reason)
    paused = phase is Phase.PAUSED
    yield _either(ConditionType.PAUSED, paused, _frozen(reason), Reason.NOT_PAUSED)
    if phase.is_terminal:
        succeeded: Truth = "True" if phase is Phase.SUCCEEDED else "False"
        yield _Says(ConditionType.SUCCEEDED, succeeded, reason)
        yield _Says(ConditionType.FINISHED, "True", reason)
    else:
        yield _Says(ConditionType.SUCCEEDED, "Unknown", Reason.IN_PROGRESS)
        yield _Says(ConditionType.FINISHED, "False", Reason.IN_PROGRESS)


def _stalled(truth: bool) -> _Says:
    return _either(ConditionType.STALLED, truth, Reason.STALLED, Reason.ACTIVE)


def _frozen(reason: Reason) -> Reason:
    return reason if reason in frozen.REASONS else Reason.PAUSED_BY_USER


def _either(kind: ConditionType, truth: bool, if_true: Reason, if_false: Reason) -> _Says:
    return _Says(kind, "True", if_true) if truth else _Says(kind, "False", if_false)


def _running(phase: Phase, reason: Reason) -> _Says:
    if phase.is_terminal:
        return _Says(ConditionType.RUNNING, "False", Reason.ENDED)
    if reason is Reason.NODE_UNREACHABLE:
        return _Says(ConditionType.RUNNING, "Unknown", reason)
    if phase in (Phase.RUNNING, Phase.PAUSED):
        return _Says(ConditionType.RUNNING, "True", Reason.STARTED)
    return _Says(ConditionType.RUNNING, "False", Reason.NOT_STARTED)


_TELLS = frozenset({ConditionType.ACCEPTED, ConditionType.SUCCEEDED, ConditionType.FINISHED})
"""Conditions that repeat the message, where their reason is the status's own."""


def _condition(
    says: _Says, before: Condition | None, generation: int, message: str, now: datetime
) -> Condition:
    if before is not None and before.status != says.status:
        before = None  # a transition
    quiet = says.reason in (Reason.ALLOWED, Reason.IN_PROGRESS)
    tells = says.status == "Unknown" or says.type in _TELLS
    return Condition(
        type=says.type.value,
        status=says.status,
        observed_generation=generation,
        last_transition_time=before.last_transition_time if before else _second(now),
        reason=says.reason.value,
        message=message if tells and not quiet else "",
    )


def _second(now: datetime) -> datetime:
    return now.replace(microsecond=0)
