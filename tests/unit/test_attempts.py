"""From one attempt to the next: what is written when, and what must be gone before."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_api.snapshot import Snapshot
from ccx_api.status import EndedAttempts, ExecutionStatus, UsageStatus
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_api.wish import Wish
from ccx_operator.actions import AddFinalizer, ConfirmPod, CreatePod, DeletePod, Deliver
from ccx_operator.attempts import retry_delay
from ccx_operator.observed import Gone, Observed
from ccx_operator.reconcile import decide
from ccx_operator.usage import usage_with
from support.reconciling import (
    NEXT_POD,
    NOW,
    POD,
    POD_UID,
    a_pod,
    a_snapshot,
    ago,
    an_execution,
    ended,
    over,
    seen,
    was,
)

RUNNING = was("Running", "Started", attempts=1)
DELETE = DeletePod(POD, POD_UID)
CREATE_NEXT = (AddFinalizer(), CreatePod(NEXT_POD))
OOM = a_pod(exit_code=137, agent={"reason": "OOMKilled"})


def decided(execution: ClaudeExecution, observed: Observed) -> ClaudeExecution:
    status = decide(execution, observed, now=NOW).status
    return execution.model_copy(update={"status": status})


def retried(**spec: Any) -> ClaudeExecution:
    """After a pod that was lost without a trace."""
    return decided(an_execution(status=RUNNING, backoffLimit=3, **spec), seen(Gone()))


def test_the_status_says_so_before_the_pod_of_a_lost_attempt_is_deleted() -> None:
    execution = an_execution(status=RUNNING, backoffLimit=3)
    first = decide(execution, seen(OOM), now=NOW)
    assert (first.status.reason, first.status.attempts, first.actions) == ("Retrying", 1, ())
    assert first.status.pod_uid == POD_UID
    assert "OOMKilled" in first.status.message
    assert "retry 1 of 3" in first.status.message
    execution = execution.model_copy(update={"status": first.status})
    assert decide(execution, seen(OOM), now=NOW).actions == (DELETE,)


def test_the_counter_moves_on_only_when_the_pod_is_gone_and_before_the_next_is_made() -> None:
    execution = decided(an_execution(status=RUNNING, backoffLimit=3), seen(OOM))
    going = seen(replace(OOM, gone_by=NOW))
    assert decide(execution, going, now=NOW).status == execution.status
    moved = decide(execution, seen(Gone(OOM)), now=NOW)
    assert (moved.status.attempts, moved.status.pod_uid, moved.actions) == (2, None, ())
    execution = execution.model_copy(update={"status": moved.status})
    due = NOW + timedelta(seconds=10)
    assert decide(execution, seen(Gone(OOM)), now=due).actions == CREATE_NEXT


def test_after_a_restart_the_pod_of_a_lost_attempt_is_looked_for_before_the_next_is_made() -> None:
    execution = decided(an_execution(status=RUNNING, backoffLimit=3), seen(OOM))
    assert decide(execution, seen(), now=NOW).actions == (ConfirmPod(POD),)
    execution = decided(execution, seen(Gone()))
    assert decide(execution, seen(), now=NOW).actions == (ConfirmPod(NEXT_POD),)


def test_a_delay_is_kept_whoever_is_asked_and_whenever() -> None:
    execution = retried()
    early = decide(execution, seen(Gone()), now=NOW + timedelta(seconds=4))
    assert (early.status, early.actions, early.check_after) == (execution.status, (), 6)
    late = decide(execution, seen(Gone()), now=NOW + timedelta(seconds=10))
    assert late.actions == CREATE_NEXT


@pytest.mark.parametrize(
    ("first", "retries", "seconds"),
    [(10, 1, 10), (10, 3, 40), (10, 9, 360), (0, 5, 0), (900, 2, 900)],
)
def test_a_delay_doubles_up_to_six_minutes(first: int, retries: int, seconds: int) -> None:
    execution = an_execution(retryDelaySeconds=first)
    assert retry_delay(execution, retries) == timedelta(seconds=seconds)


def test_no_more_attempts_than_wanted_are_charged() -> None:
    execution = an_execution(command=["work"], status=RUNNING, backoffLimit=3)
    for attempt in (1, 2, 3):
        execution = decided(execution, seen(Gone()))
        assert (execution.status.reason, execution.status.attempts) == ("Retrying", attempt + 1)
        pod = a_pod(name=f"{POD[:-1]}{attempt + 1}", uid=f"pod-{attempt}", running=True)
        execution = decided(execution, seen(pod, snapshot=a_snapshot()))
        assert execution.status.reason == "Started"
    execution = decided(execution, seen(Gone()))
    assert (execution.status.reason, execution.status.attempts) == ("PodLost", 4)


def test_the_pod_of_an_unreachable_node_is_deleted_with_grace_and_waited_for_in_bounds() -> None:
    execution = an_execution(status=RUNNING, backoffLimit=3)
    lost = a_pod(running=True, ready=False, unreachable_since=ago(300))
    execution = decided(execution, seen(lost))
    assert execution.status.reason == "Retrying"
    assert decide(execution, seen(lost), now=NOW).actions == (DELETE,)
    waiting = decide(execution, seen(replace(lost, gone_by=NOW)), now=NOW)
    assert (waiting.status, waiting.actions, waiting.check_after) == (execution.status, (), 30)
    silent = decide(execution, seen(replace(lost, gone_by=ago(30))), now=NOW)
    assert (silent.status.reason, silent.actions, silent.check_after) == ("Retrying", (), 270)
    assert "node n1 does not end pod" in silent.status.message
    late = decide(execution, seen(replace(lost, gone_by=ago(300))), now=NOW)
    assert (late.status.reason, late.actions) == ("PodLost", ())
    assert "its node does not say" in late.status.message


def test_a_busy_api_is_retried_only_after_the_readers_have_had_their_time() -> None:
    facts = {"isError": True, "terminalReason": "api_error", "apiStatus": 529, "turns": 1}
    execution = an_execution(status=RUNNING, backoffLimit=3)
    draining = seen(a_pod(running=True), snapshot=ended(1, claude=facts), ending_since=ago(9))
    assert decide(execution, draining, now=NOW).status == execution.status
    last = decided(an_execution(status=RUNNING), draining).status
    assert last.reason == "ApiError"


def test_a_stray_pod_of_an_ended_attempt_goes_at_once() -> None:
    second = was("Running", "Started", attempts=2, podName=NEXT_POD)
    stray = a_pod(running=True)
    observed = seen(a_pod(name=NEXT_POD, uid="other", running=True), stray=stray)
    assert decide(an_execution(status=second), observed, now=NOW).actions == (DELETE,)
    assert decide(an_execution(status=second), seen(stray), now=NOW).actions == (DELETE,)


def test_a_pod_of_an_attempt_that_we_have_not_heard_of_is_not_touched() -> None:
    newer = seen(a_pod(name=NEXT_POD, running=True))
    assert decide(an_execution(status=RUNNING), newer, now=NOW).actions == ()


def test_a_cancel_does_not_wait_for_a_stray_pod_that_does_not_go() -> None:
    second = was("Starting", "Retrying", attempts=2, podName=None, podUID=None)
    execution = an_execution(desired="Cancelled", status=second)
    stuck = a_pod(gone_by=ago(9999))
    assert decide(execution, seen(stuck), now=NOW).actions == (ConfirmPod(NEXT_POD),)
    assert decided(execution, seen(Gone(stuck))).status.phase == "Cancelled"


def test_the_deadline_counts_over_all_attempts() -> None:
    running = a_snapshot(activeSeconds=21.5)
    execution = an_execution(status=RUNNING, backoffLimit=3, activeDeadlineSeconds=60)
    execution = decided(execution, seen(Gone(), snapshot=running))
    assert Wish.of(execution).active_deadline_seconds == 39
    second = a_pod(name=NEXT_POD, uid="other", running=True)
    observed = seen(second, snapshot=a_snapshot(activeSeconds=5, pausedSeconds=2))
    status = decided(execution, observed).status
    assert (status.active_seconds, status.paused_seconds) == (26, 2)


def test_what_an_attempt_told_of_its_process_is_not_told_of_the_next() -> None:
    told = ended(1, claude={"isError": True, "terminalReason": "api_error", "apiStatus": 500})
    execution = an_execution(status=RUNNING, backoffLimit=3)
    status = decided(execution, seen(Gone(a_pod(exit_code=1)), snapshot=told)).status
    assert (status.process, status.result, status.output) == (None, None, None)
    assert status.start_time is not None


def a_told(turns: int, tokens: int, cost: str | None) -> Snapshot:
    usage = {"inputTokens": tokens}
    return a_snapshot(claude={"sessionID": "s", "turns": turns, "usage": usage, "costUSD": cost})


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8))
def test_usage_is_the_sum_of_all_attempts_however_the_work_was_split(parts: list[int]) -> None:
    execution = an_execution(status=RUNNING, backoffLimit=100)
    for number, part in enumerate(parts, 1):
        snapshot = a_told(2, part, f"{part / 1000:.3f}")
        pod = a_pod(name=f"{POD[:-1]}{number}", uid=f"pod-{number}", running=True)
        execution = decided(execution, seen(pod, snapshot=snapshot))
        if number < len(parts):
            execution = decided(execution, seen(Gone(pod), snapshot=snapshot))
    usage, session = execution.status.usage, execution.status.session
    assert usage is not None
    assert session is not None
    assert usage.input_tokens == sum(parts)
    assert float(usage.cost_usd or "0") == pytest.approx(sum(parts) / 1000)
    assert session.turns == 2 * len(parts)


def test_an_attempt_that_told_nothing_of_its_usage_costs_nothing_of_what_is_known() -> None:
    execution = an_execution(status=RUNNING, backoffLimit=3)
    execution = decided(execution, seen(Gone(), snapshot=a_told(1, 100, "0.5")))
    execution = decided(execution, seen(Gone(a_pod(name=NEXT_POD, uid="2")), snapshot=None))
    assert execution.status.usage is not None
    assert (execution.status.usage.input_tokens, execution.status.usage.cost_usd) == (100, "0.5")


def test_the_first_attempt_is_counted_with_its_pod_and_costs_no_write_of_its_own() -> None:
    status = decide(an_execution(), seen(a_pod()), now=NOW).status
    assert (status.attempts, status.reason) == (1, "PodCreated")
    assert status.ended_attempts is None


def test_a_status_of_before_there_were_attempts_is_that_of_the_first() -> None:
    old = was("Running", "Started")
    assert ExecutionStatus.model_validate(old).attempts is None
    status = decided(an_execution(status=old, backoffLimit=1), over(ended(143, "Outside"))).status
    assert (status.attempts, status.ended_attempts) == (
        1,
        EndedAttempts(retries=1, retried_for="PodLost"),
    )


CLAIMED = {"volumeClaimTemplate": {"storage": "1Gi"}}


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=8), st.data())
def test_usage_is_the_same_sum_where_claude_counts_on_over_its_conversation(
    parts: list[int], data: st.DataObject
) -> None:
    """As it does with --resume; what an attempt used that told nothing is told by a later one."""
    execution = an_execution(status=RUNNING, backoffLimit=100, workspace=CLAIMED)
    total = 0
    for number, part in enumerate(parts, 1):
        total += part
        tells = number == len(parts) or data.draw(st.booleans())
        snapshot = a_told(2, total, f"{total / 1000:.3f}") if tells else a_told(2, 0, None)
        pod = a_pod(name=f"{POD[:-1]}{number}", uid=f"pod-{number}", running=True)
        execution = decided(execution, seen(pod, snapshot=snapshot))
        if number < len(parts):
            after_restart = data.draw(st.booleans())
            last = Observed(pod=Gone()) if after_restart else seen(Gone(pod), snapshot=snapshot)
            execution = decided(execution, last)
            assert execution.status.ended_attempts is not None
            assert execution.status.ended_attempts.resume == "s"
    usage, session = execution.status.usage, execution.status.session
    assert usage is not None
    assert session is not None
    assert usage.input_tokens == sum(parts)
    assert float(usage.cost_usd or "0") == pytest.approx(sum(parts) / 1000)
    assert session.turns == 2 * len(parts)


def test_a_count_that_has_begun_anew_is_not_taken_for_a_difference() -> None:
    ended = EndedAttempts(
        usage=UsageStatus(input_tokens=100, cost_usd="1"),
        resume_usage=UsageStatus(input_tokens=100, cost_usd="1"),
    )
    told = usage_with(ended, UsageStatus(input_tokens=30, cost_usd="0.25"))
    assert told == UsageStatus(input_tokens=130, cost_usd="1.25")


def test_the_message_says_whether_the_conversation_goes_on() -> None:
    execution = an_execution(status=RUNNING, backoffLimit=1, workspace=CLAIMED)
    told = decided(execution, seen(Gone(), snapshot=a_told(1, 0, None))).status
    assert "continues its conversation in 10 s" in told.message
    silent = decided(execution, seen(Gone(), snapshot=a_told(0, 0, None))).status
    assert "begins from the start in 10 s" in silent.message


def test_a_conversation_that_is_not_there_any_more_is_begun_anew_at_no_charge() -> None:
    second = was(
        *("Running", "Started"), attempts=2, podName=NEXT_POD, endedAttempts={"resume": "s"}
    )
    execution = an_execution(status=second, workspace=CLAIMED)
    facts = {"sessionID": "x", "turns": 0, "isError": True, "subtype": "error_during_execution"}
    pod = a_pod(name=NEXT_POD, exit_code=1)
    gone = seen(Gone(pod), snapshot=ended(1, claude=facts))
    status = decided(execution, gone).status
    assert (status.reason, status.attempts) == ("Retrying", 3)
    assert status.ended_attempts == EndedAttempts(
        active_seconds=5, output_bytes=0, retried_for="ClaudeError"
    )
    third = a_pod(name=f"{POD[:-1]}3", uid="3", exit_code=1)
    execution = execution.model_copy(update={"status": status})
    assert decided(execution, seen(third, snapshot=ended(1, claude=facts))).status.phase == "Failed"


def test_a_running_execution_on_a_claim_is_suspended_by_the_end_of_its_pod() -> None:
    execution = an_execution(suspend=True, status=RUNNING, workspace=CLAIMED)
    running = a_pod(running=True)
    decision = decide(execution, seen(running, snapshot=a_told(1, 0, None)), now=NOW)
    assert (decision.status.phase, decision.status.reason) == ("Queued", "Suspended")
    assert decision.actions == (DELETE,)
    assert "continues its conversation" in decision.status.message
    execution = execution.model_copy(update={"status": decision.status})
    going = seen(replace(running, gone_by=NOW), snapshot=a_told(1, 0, None))
    assert decide(execution, going, now=NOW).actions == ()
    last = seen(Gone(running), snapshot=ended(143, "Outside", **told_of(a_told(1, 0, None))))
    execution = decided(execution, last)
    assert (execution.status.attempts, execution.status.pod_uid) == (2, None)
    known = EndedAttempts(active_seconds=5, turns=1, resume="s", output_bytes=0)
    assert execution.status.ended_attempts == known
    execution = decided(execution, last)
    assert execution.status.reason == "Suspended"
    let_go = execution.spec.model_copy(update={"suspend": False})
    execution = execution.model_copy(update={"spec": let_go})
    assert decide(execution, last, now=NOW).actions == CREATE_NEXT


def told_of(snapshot: Snapshot) -> dict[str, Any]:
    return {"claude": snapshot.claude}


def test_what_ends_anyway_is_not_suspended() -> None:
    execution = an_execution(suspend=True, status=RUNNING, workspace=CLAIMED)
    ending = seen(a_pod(running=True), snapshot=a_snapshot("Ending"), ending_since=NOW)
    assert decide(execution, ending, now=NOW).actions == ()
    cancelled = an_execution(
        desired="Cancelled", suspend=True, generation=2, status=RUNNING, workspace=CLAIMED
    )
    (action,) = decide(cancelled, seen(a_pod(running=True)), now=NOW).actions
    assert isinstance(action, Deliver)
