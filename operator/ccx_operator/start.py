"""Before the process starts: no pod yet, or a pod that is not running. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from ccx_api.conditions import Reason
from ccx_api.names import FINALIZER
from ccx_api.status import ExecutionStatus, Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.actions import (
    Action,
    AddFinalizer,
    ConfirmPod,
    CreatePod,
    Decision,
    DeletePod,
    SetFirstWish,
)
from ccx_operator.attempts import how_it_goes_on
from ccx_operator.conditions import settle
from ccx_operator.facts import PodFacts
from ccx_operator.observed import Observed, RefusalKind
from ccx_operator.pod_name import pod_name
from ccx_operator.progress import with_pod, without_pod
from ccx_operator.restored import restored
from ccx_operator.spec_refusal import refusal
from ccx_operator.wanted import cancel_reason, cancel_wanted, soonest


def never_made(execution: ClaudeExecution, observed: Observed) -> bool:
    """There is no pod of this attempt, and none that must be accounted for."""
    if isinstance(observed.pod, PodFacts):
        return False
    seen = observed.pod is not None and observed.pod.last is not None
    return not seen and execution.status.pod_uid is None


def without_any_pod(execution: ClaudeExecution, observed: Observed, *, now: datetime) -> Decision:
    """Nothing has been made: may it be?"""
    if observed.pod is None and FINALIZER in execution.metadata.finalizers:
        look = ConfirmPod(pod_name(execution), since=observed.asked_since)
        return Decision(execution.status, (look,))
    if cancel_wanted(execution):
        before = execution.status.start_time is None
        text = "cancelled before its process started" if before else "cancelled while it waited"
        return _at(execution, Phase.CANCELLED, cancel_reason(execution), text, now)
    if refused := refusal(execution):
        return _at(execution, Phase.FAILED, Reason.NOT_ALLOWED, refused, now)
    if copy := restored(execution, now):
        return copy
    if execution.spec.suspend:
        status = without_pod(execution.status)
        return Decision(suspended(execution, status, now=now))
    return (
        _delayed(execution, now)
        or _out_of_time(execution, now)
        or _refused_by_server(execution, observed, now)
        or _create(execution)
    )


def with_waiting_pod(execution: ClaudeExecution, pod: PodFacts, *, now: datetime) -> Decision:
    """The pod exists, its process does not: make it go, or wait for it within the deadline."""
    delete: tuple[Action, ...] = () if pod.terminating else (DeletePod(pod.name, pod.uid),)
    if cancel_wanted(execution):
        return Decision(execution.status, delete)
    if execution.spec.suspend:
        status = with_pod(execution.status, pod)
        return Decision(suspended(execution, status, now=now), delete)
    if pod.terminating:
        return Decision(execution.status)  # gone soon, and then it is decided what that means
    if pod.generation < execution.metadata.generation:
        return Decision(execution.status, (SetFirstWish(pod.name, pod.uid),))
    if pod.gated:
        return _gated(execution, pod, now)
    return late_start(execution, pod, now) or _starting(execution, pod, now)


def late_start(execution: ClaudeExecution, pod: PodFacts, now: datetime) -> Decision | None:
    """The pod itself goes by the rule that a finished execution has no living one."""
    due = start_due(execution, pod)
    if due is None or now < due:
        return None
    limit = execution.spec.start_deadline_seconds
    text = f"not running {limit} s (spec.startDeadlineSeconds) after its pod was made"
    if pod.waiting is not None:
        text += f": {pod.waiting}: {pod.waiting_message}"
    return _at(execution, Phase.FAILED, Reason.START_DEADLINE_EXCEEDED, text, now)


def start_due(execution: ClaudeExecution, pod: PodFacts) -> datetime | None:
    began = pod.scheduled_at or pod.created_at  # the time in a queue does not count
    if began is None:
        return None
    return began + timedelta(seconds=execution.spec.start_deadline_seconds)


def _starting(execution: ClaudeExecution, pod: PodFacts, now: datetime) -> Decision:
    reason = pod.waiting or Reason.POD_CREATED
    text = pod.waiting_message or f"pod {pod.name} is made, its process has not started"
    status = with_pod(execution.status, pod)
    status = settle(execution, status, Phase.STARTING, reason, text, now=now)
    return Decision(status, check_after=soonest(now, start_due(execution, pod)))


def _gated(execution: ClaudeExecution, pod: PodFacts, now: datetime) -> Decision:
    text = "a scheduling gate of its pod, such as a queue's, holds it"
    status = with_pod(execution.status, pod)
    reason = Reason.SCHEDULING_GATED
    return Decision(settle(execution, status, Phase.QUEUED, reason, text, now=now))


def suspended(
    execution: ClaudeExecution, status: ExecutionStatus, *, now: datetime
) -> ExecutionStatus:
    """If `status` names a pod, that attempt is given up."""
    text = "held by spec.suspend: set it to false to let it start"
    if status.start_time is not None:
        text = "held by spec.suspend: set it to false, and its next attempt "
        text += how_it_goes_on(execution, status)
    return settle(execution, status, Phase.QUEUED, Reason.SUSPENDED, text, now=now)


def _delayed(execution: ClaudeExecution, now: datetime) -> Decision | None:
    status, due = execution.status, execution.status.retry_time
    if due is None or now >= due:
        return None
    is_told = status.reason == Reason.RETRYING
    text = status.message if is_told else "waits until status.retryTime for its next attempt"
    status = settle(execution, status, Phase.STARTING, Reason.RETRYING, text, now=now)
    return Decision(status, check_after=soonest(now, due))


def _out_of_time(execution: ClaudeExecution, now: datetime) -> Decision | None:
    """Of all attempts together."""
    limit, ended = execution.spec.active_deadline_seconds, execution.status.ended_attempts
    if limit is None or ended is None or ended.active_seconds < limit:
        return None
    text = f"its attempts have run for spec.activeDeadlineSeconds ({limit})"
    return _at(execution, Phase.FAILED, Reason.DEADLINE_EXCEEDED, text, now)


def _refused_by_server(
    execution: ClaudeExecution, observed: Observed, now: datetime
) -> Decision | None:
    refused = observed.refusal
    if refused is None:
        return None
    if refused.kind is RefusalKind.REJECTED:
        return _at(execution, Phase.FAILED, Reason.POD_REJECTED, refused.message, now)
    if refused.kind is RefusalKind.NAME_TAKEN:
        text = f"{refused.message}; delete that and apply the execution again"
        return _at(execution, Phase.FAILED, Reason.POD_NAME_TAKEN, text, now)
    if now >= refused.next_try:
        return None
    decision = _at(execution, Phase.QUEUED, Reason.QUOTA_EXCEEDED, refused.message, now)
    return replace(decision, check_after=soonest(now, refused.next_try))


def _create(execution: ClaudeExecution) -> Decision:
    """The finalizer first, also where it is there: that costs no write then, and is refused to one
    who has not seen the newest version, such as a leader of yesterday. A creation is not fenced.
    """
    return Decision(execution.status, (AddFinalizer(), CreatePod(pod_name(execution))))


def _at(
    execution: ClaudeExecution, phase: Phase, reason: Reason, message: str, now: datetime
) -> Decision:
    status = execution.status
    if phase.is_terminal:
        status = status.model_copy(update={"completion_time": now.replace(microsecond=0)})
    return Decision(settle(execution, status, phase, reason, message, now=now))
