"""The end of an attempt: the end of its execution, or it is given up and its pod goes. Pure.

ended() -> Failed, ... | Starting/Retrying -> given_up() -> the next attempt: attempts.py
"""

from datetime import datetime, timedelta

from ccx_api.conditions import Reason
from ccx_api.status import ExecutionStatus
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.actions import ConfirmPod, Decision, DeletePod
from ccx_operator.attempts import may_retry, next_attempt, retrying
from ccx_operator.conditions import settle
from ccx_operator.facts import PodFacts
from ccx_operator.finish import finished, lost_at, overdue_at
from ccx_operator.observed import Gone, Observed
from ccx_operator.pod_name import pod_name
from ccx_operator.verdict import verdict
from ccx_operator.wanted import cancel_wanted, soonest


def ended(
    execution: ClaudeExecution, pod: PodFacts | None, observed: Observed, *, now: datetime
) -> Decision:
    """Its process is over, or lost with its pod."""
    snapshot = observed.snapshot
    outcome = verdict(execution, pod, snapshot)
    if not may_retry(execution, outcome):
        return Decision(finished(execution, pod, observed, now=now))
    status = retrying(execution, pod, snapshot, outcome, now=now)
    if isinstance(observed.pod, Gone):
        status = next_attempt(execution, status, pod, snapshot, now=now)
    return Decision(status)


def given_up(
    execution: ClaudeExecution, observed: Observed, *, now: datetime, node_lost: timedelta
) -> Decision:
    """Its pod is deleted with its own grace, never by force, and waited for.

    A process that was quicker than the deletion keeps its outcome.
    """
    status, pod = execution.status, observed.pod
    if pod is None:
        return Decision(status, (ConfirmPod(pod_name(execution)),))
    last = pod.last if isinstance(pod, Gone) else pod
    over = not isinstance(pod, PodFacts) or pod.over
    if over and (cancel_wanted(execution) or _has_outcome(execution, last, observed)):
        return Decision(finished(execution, last, observed, now=now))
    if isinstance(pod, Gone):
        return Decision(next_attempt(execution, status, last, observed.snapshot, now=now))
    if not pod.terminating:
        return Decision(status, (DeletePod(pod.name, pod.uid),))
    due = _patience(execution, pod, node_lost)
    if due is not None and now >= due:
        return Decision(finished(execution, pod, observed, now=now))
    overdue = None if over else overdue_at(pod)
    if overdue is not None and now >= overdue:
        return Decision(_stuck(execution, pod, now), check_after=soonest(now, due))
    return Decision(status, check_after=soonest(now, due, overdue))  # that it goes is an event


def _stuck(execution: ClaudeExecution, pod: PodFacts, now: datetime) -> ExecutionStatus:
    status = execution.status
    text = f"node {pod.node} does not end pod {pod.name}, and no attempt follows before that: if "
    text += "the node has gone for good, delete the pod by force"
    return settle(execution, status, status.phase, Reason(status.reason), text, now=now)


def _has_outcome(execution: ClaudeExecution, pod: PodFacts | None, observed: Observed) -> bool:
    snapshot = observed.snapshot
    if snapshot is None or snapshot.state != "Ended":
        return False
    return not verdict(execution, pod, snapshot).heals


def _patience(execution: ClaudeExecution, pod: PodFacts, node_lost: timedelta) -> datetime | None:
    """How long a pod that does not go is waited for. What spec.suspend holds is in no hurry."""
    if cancel_wanted(execution):
        return lost_at(pod, node_lost)
    held = execution.status.reason == Reason.SUSPENDED and execution.spec.suspend
    if held or pod.gone_by is None:
        return None
    return pod.gone_by + node_lost
