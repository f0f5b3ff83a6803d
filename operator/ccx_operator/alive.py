"""While the agent's container runs: what to ask of its runner, and what to say of it. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from ccx_api.conditions import ConditionType, Reason
from ccx_api.snapshot import Snapshot
from ccx_api.status import ExecutionStatus, Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator import frozen
from ccx_operator.actions import Decision, DeletePod
from ccx_operator.asking import ask, is_behind
from ccx_operator.attempts import with_facts
from ccx_operator.conditions import settle
from ccx_operator.facts import PodFacts
from ccx_operator.finish import LINGER, decided_at, finished, overdue_at
from ccx_operator.observed import Observed, is_ending
from ccx_operator.progress import (
    only_a_pause_has_gone_on,
    only_live_facts_differ,
    turn_restarted,
    with_pod,
    with_snapshot,
)
from ccx_operator.silent_node import silent_from
from ccx_operator.start import late_start, start_due, suspended
from ccx_operator.stopping import stop
from ccx_operator.wanted import cancel_wanted, soonest
from ccx_operator.workspace import is_claimed

LIVE_WRITES_APART = timedelta(seconds=5)
"""What only counts (usage, output, seconds) is written at most this often."""


def alive(
    execution: ClaudeExecution, pod: PodFacts, observed: Observed, *, now: datetime
) -> Decision:
    if is_to_be_suspended(execution, pod, observed):
        status = with_facts(execution.status, pod, observed.snapshot)
        return Decision(suspended(execution, status, now=now), (DeletePod(pod.name, pod.uid),))
    step = stop(execution, pod, observed, now=now) or ask(execution, pod, observed, now=now)
    if step.action is not None:  # its answer will tell more about the status
        return Decision(execution.status, (step.action,))
    seen = _seen(execution, pod, observed, now)
    waits = [d for d in (seen.check_after, step.check_after) if d is not None]
    return replace(seen, check_after=min(waits, default=None))


def is_to_be_suspended(execution: ClaudeExecution, pod: PodFacts, observed: Observed) -> bool:
    """Only where the workspace outlives the pod. What is ending comes to its end."""
    if not execution.spec.suspend or not is_claimed(execution) or cancel_wanted(execution):
        return False
    return not pod.terminating and not is_ending(observed.snapshot)


def _seen(execution: ClaudeExecution, pod: PodFacts, observed: Observed, now: datetime) -> Decision:
    overdue, silent = overdue_at(pod), silent_from(execution, pod, observed)
    due = [time for time in (overdue, silent) if time is not None]
    if pod.unreachable_since is not None or any(now >= time for time in due):
        return Decision(_unreachable(execution, pod, now))
    seen = _reachable(execution, pod, observed, now)
    waits = [d for d in (seen.check_after, soonest(now, *due)) if d is not None]
    return replace(seen, check_after=min(waits, default=None))


def _reachable(
    execution: ClaudeExecution, pod: PodFacts, observed: Observed, now: datetime
) -> Decision:
    snapshot = observed.snapshot
    if (until := _untold_until(observed, now)) is not None:
        return Decision(execution.status, check_after=soonest(now, until))
    if snapshot is not None and snapshot.state == "Ended":
        due = decided_at(execution, pod, snapshot, observed.ending_since)
        if due is not None and now >= due:
            return Decision(finished(execution, pod, observed, now=now))  # no attempt follows
        return Decision(execution.status, check_after=soonest(now, due))  # the container ends next
    phase = _phase(execution.status, pod, snapshot)
    if phase is Phase.STARTING:
        late = None if _began_in_time(execution, pod, snapshot) else late_start(execution, pod, now)
        return late or _booting(execution, pod, observed, now)

    status = with_pod(execution.status, pod)
    if snapshot is not None:
        status = with_snapshot(status, snapshot)
    update = {"node_name": pod.node, "start_time": status.start_time or pod.agent.running_since}
    status = status.model_copy(update=update)
    text = _undelivered(execution, pod, observed) or _text(execution, phase, snapshot)
    reason = _reason(execution.status, phase, snapshot)
    stalled = _is_stalled(execution.status, phase, snapshot)
    status = settle(execution, status, phase, reason, text, now=now, stalled=stalled)
    return _held_back(execution, status, observed, now)


def _is_stalled(status: ExecutionStatus, phase: Phase, snapshot: Snapshot | None) -> bool:
    """Without a word of its runner, as it was."""
    if snapshot is not None:
        return snapshot.stalled
    known = (c.status == "True" for c in status.conditions if c.type == ConditionType.STALLED)
    return phase is Phase.RUNNING and any(known)


def _untold_until(observed: Observed, now: datetime) -> datetime | None:
    """Most ends are over before anybody could read of them: that would be a write too many."""
    snapshot, since = observed.snapshot, observed.ending_since
    if snapshot is None or snapshot.state != "Ending" or since is None:
        return None
    return since + LINGER if now < since + LINGER else None


def _began_in_time(execution: ClaudeExecution, pod: PodFacts, snapshot: Snapshot | None) -> bool:
    """Its container did, and nobody has asked its runner yet: no verdict without that."""
    due, began = start_due(execution, pod), pod.agent.running_since
    return snapshot is None and due is not None and began is not None and began < due


def _phase(status: ExecutionStatus, pod: PodFacts, snapshot: Snapshot | None) -> Phase:
    if snapshot is None:
        if status.phase in (Phase.RUNNING, Phase.PAUSED):
            return status.phase  # the operator is new here; it looks when readiness disagrees
        return Phase.RUNNING if pod.ready else Phase.STARTING
    match snapshot.state:
        case "Starting":
            return Phase.STARTING
        case "Paused":
            return Phase.PAUSED
        case "Running":
            return Phase.RUNNING
        case _:
            return Phase.PAUSED if status.phase is Phase.PAUSED else Phase.RUNNING


def _reason(status: ExecutionStatus, phase: Phase, snapshot: Snapshot | None) -> Reason:
    if phase is Phase.PAUSED:
        return _frozen_reason(status, snapshot)
    if snapshot is None:
        known = status.reason in (Reason.RESUMED, Reason.TURN_RESTARTED)
        return Reason(status.reason) if known else Reason.STARTED
    if turn_restarted(snapshot):
        return Reason.TURN_RESTARTED
    return Reason.RESUMED if snapshot.paused_seconds > 0 else Reason.STARTED


def _frozen_reason(status: ExecutionStatus, snapshot: Snapshot | None) -> Reason:
    if snapshot is not None and snapshot.state == "Paused":
        return frozen.reason_of(snapshot)
    known = status.reason in frozen.REASONS  # it is being ended, or nobody has asked anew
    return Reason(status.reason) if known else Reason.PAUSED_BY_USER


def _text(execution: ClaudeExecution, phase: Phase, snapshot: Snapshot | None) -> str:
    if snapshot is None:
        before = execution.status
        stale = before.phase is not phase or before.reason == Reason.NODE_UNREACHABLE
        return "" if stale else before.message
    if snapshot.state == "Ending":
        return "its process is being ended"
    if phase is not Phase.PAUSED:
        hint = (
            "spec.suspend has no effect on a running execution whose workspace is on no claim "
            "(spec.workspace.volumeClaimTemplate): use desiredState: Paused"
        )
        told = (_silent(execution) if snapshot.stalled else "", turn_restarted(snapshot))
        return hint if execution.spec.suspend else "; ".join(filter(None, told))
    return frozen.text_of(snapshot)


def _silent(execution: ClaudeExecution) -> str:
    seconds = execution.spec.stall_timeout_seconds
    return f"nothing has been heard of it for {seconds} s (spec.stallTimeoutSeconds)"


def _undelivered(execution: ClaudeExecution, pod: PodFacts, observed: Observed) -> str:
    if observed.silence is None:
        return ""
    if observed.silence.versions_differ:
        return observed.silence.message
    if not is_behind(execution, pod, observed):
        return ""
    wanted = execution.spec.desired_state
    return f"{wanted} is not delivered yet, its runner does not answer: {observed.silence.message}"


def _booting(
    execution: ClaudeExecution, pod: PodFacts, observed: Observed, now: datetime
) -> Decision:
    text = f"pod {pod.name} is made, its process has not started"
    if observed.silence is not None and observed.silence.versions_differ:
        text = observed.silence.message
    status = with_pod(execution.status, pod)
    status = settle(execution, status, Phase.STARTING, Reason.POD_CREATED, text, now=now)
    return Decision(status, check_after=soonest(now, start_due(execution, pod)))


def _unreachable(execution: ClaudeExecution, pod: PodFacts, now: datetime) -> ExecutionStatus:
    phase = execution.status.phase
    if phase is Phase.QUEUED:
        phase = Phase.STARTING
    text = f"node {pod.node} cannot be reached: the process may run on or not"
    overdue = overdue_at(pod)
    if pod.unreachable_since is None and overdue is not None and now >= overdue:
        text = f"node {pod.node} does not end its pod, which was to be gone by now"
    status = with_pod(execution.status, pod)
    return settle(execution, status, phase, Reason.NODE_UNREACHABLE, text, now=now)


def _held_back(
    execution: ClaudeExecution, status: ExecutionStatus, observed: Observed, now: datetime
) -> Decision:
    if only_a_pause_has_gone_on(execution.status, status):
        return Decision(execution.status)
    if observed.written_at is None or not only_live_facts_differ(execution.status, status):
        return Decision(status)
    due = observed.written_at + LIVE_WRITES_APART
    if now >= due:
        return Decision(status)
    return Decision(execution.status, check_after=soonest(now, due))
