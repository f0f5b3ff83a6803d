"""From one attempt to the next: one is given up, its pod goes, and then the next begins. Pure.

    lost to what can heal -> retrying() -> Starting/Retrying ─┐
    spec.suspend          -> start.py   -> Queued/Suspended  ─┴-> given_up.py: its pod goes
    -> next_attempt(): the counter moves on -> start.py: the next pod

The counter moves on only once the pod of the attempt is gone: no two attempts ever overlap, and
whoever reads the status makes the same pod.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from ccx_api.conditions import Reason
from ccx_api.snapshot import Snapshot
from ccx_api.status import EndedAttempts, ExecutionStatus, Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.conditions import settle
from ccx_operator.facts import PodFacts
from ccx_operator.lost_time import with_lost_time
from ccx_operator.observed import Gone, Observed
from ccx_operator.pod_name import attempt, attempt_of
from ccx_operator.progress import with_pod, with_snapshot, without_pod
from ccx_operator.usage import counted, usage_of
from ccx_operator.verdict import Verdict
from ccx_operator.workspace import keeps_conversation

LONGEST_DELAY: Final = 360
"""Seconds that a delay is doubled up to."""


def is_given_up(status: ExecutionStatus) -> bool:
    """Its pod has been made and is to go: that is no outcome, another attempt follows."""
    waits = status.reason in (Reason.RETRYING, Reason.SUSPENDED)
    return waits and status.pod_uid is not None


def of_this_attempt(execution: ClaudeExecution, observed: Observed) -> Observed:
    """Without what is known of an earlier attempt, whose pod has gone."""
    pod = observed.pod
    if not isinstance(pod, Gone) or pod.last is None or _age(execution, pod.last) >= 0:
        return observed
    return replace(
        observed, pod=Gone(), snapshot=None, looked=None, silence=None, ending_since=None
    )


def is_of_another(execution: ClaudeExecution, pod: PodFacts) -> bool:
    return _age(execution, pod) != 0


def is_of_an_earlier(execution: ClaudeExecution, pod: PodFacts) -> bool:
    return _age(execution, pod) < 0


def _age(execution: ClaudeExecution, pod: PodFacts) -> int:
    return attempt_of(pod.name) - attempt(execution)


def may_retry(execution: ClaudeExecution, outcome: Verdict) -> bool:
    if not outcome.heals:
        return False
    return not outcome.is_charged or _retries(execution) < execution.spec.backoff_limit


def retrying(
    execution: ClaudeExecution,
    pod: PodFacts | None,
    snapshot: Snapshot | None,
    outcome: Verdict,
    *,
    now: datetime,
) -> ExecutionStatus:
    """This attempt is given up: what came of it, and when the next begins."""
    ended = _ended(execution)
    retries = ended.retries + outcome.is_charged
    delay = retry_delay(execution, retries) if outcome.is_charged else timedelta(0)
    status = with_facts(execution.status, pod, snapshot)
    status = with_lost_time(execution.status, status, pod, snapshot, now=now)
    if not outcome.is_charged:
        status = status.model_copy(update={"session": None})  # it is not to be had again
    update: dict[str, object] = {
        "attempts": attempt(execution),
        "ended_attempts": ended.model_copy(
            update={"retries": retries, "retried_for": outcome.reason.value}
        ),
        "retry_time": now.replace(microsecond=0) + delay,
    }
    status = status.model_copy(update=update)
    text = f"attempt {status.attempts} ended with {outcome.reason}: {outcome.message}; the next "
    text += f"{how_it_goes_on(execution, status)} in {delay.total_seconds():.0f} s"
    if outcome.is_charged:
        text += f", retry {retries} of {execution.spec.backoff_limit}"
    return settle(execution, status, Phase.STARTING, Reason.RETRYING, text, now=now)


def next_attempt(
    execution: ClaudeExecution,
    status: ExecutionStatus,
    pod: PodFacts | None,
    snapshot: Snapshot | None,
    *,
    now: datetime,
) -> ExecutionStatus:
    """The pod of the attempt that `status` has given up is gone: the counter moves on."""
    told = with_facts(status, pod, snapshot)
    if status.session is None:  # so it was decided
        told = told.model_copy(update={"session": None})
    ended = told.ended_attempts or EndedAttempts()
    resume, session = resumable(execution, told), told.session
    claude = snapshot.claude if snapshot is not None else None
    count = (usage_of(claude) if claude is not None else None) or counted(ended, told.usage)
    update: dict[str, object] = {
        "active_seconds": max(told.active_seconds or 0, status.active_seconds or 0),
        "paused_seconds": told.paused_seconds or 0,
        "turns": session.turns if session is not None else ended.turns,
        "usage": told.usage,
        "output_bytes": _output_bytes(told),
        "resume": resume,
        "resume_usage": count if resume is not None else None,
    }
    fresh = dict.fromkeys(("process", "control", "result", "output", "node_name"))
    told = without_pod(told).model_copy(
        update={
            **fresh,
            "session": session if resume is not None else None,
            "attempts": attempt(execution) + 1,
            "active_seconds": update["active_seconds"],
            "ended_attempts": ended.model_copy(update=update),
        }
    )
    return settle(execution, told, told.phase, Reason(told.reason), told.message, now=now)


def with_facts(
    status: ExecutionStatus, pod: PodFacts | None, snapshot: Snapshot | None
) -> ExecutionStatus:
    if pod is not None:
        status = with_pod(status, pod)
    return with_snapshot(status, snapshot) if snapshot is not None else status


def _output_bytes(status: ExecutionStatus) -> int | None:
    """Only if the runner had come to its end: else it may have printed more than it told."""
    process, output = status.process, status.output
    ended = process is not None and process.state == "Ended"
    return output.bytes if output is not None and ended else None


def resumable(execution: ClaudeExecution, status: ExecutionStatus) -> str | None:
    """The conversation that the next attempt can continue: its transcript is on the claim.

    It is begun with the first answer. A pod that is lost before leaves none.
    """
    session, ended = status.session, status.ended_attempts or EndedAttempts()
    if session is None or not keeps_conversation(execution):
        return None
    begun = session.turns > ended.turns or session.id == ended.resume
    return session.id if begun else None


def how_it_goes_on(execution: ClaudeExecution, status: ExecutionStatus) -> str:
    """The next attempt."""
    if resumable(execution, status) is not None:
        return "continues its conversation"
    return "begins from the start"


def retry_delay(execution: ClaudeExecution, retries: int) -> timedelta:
    first = execution.spec.retry_delay_seconds
    doubled = first * 2 ** min(retries - 1, 16)
    return timedelta(seconds=min(doubled, max(first, LONGEST_DELAY)))


def _retries(execution: ClaudeExecution) -> int:
    return _ended(execution).retries


def _ended(execution: ClaudeExecution) -> EndedAttempts:
    return execution.status.ended_attempts or EndedAttempts()
