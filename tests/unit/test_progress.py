from datetime import datetime, timedelta
from typing import Any

import pytest

from ccx_api.status import EndedAttempts, ExecutionStatus, ResultStatus, UsageStatus
from ccx_operator.observed import is_ending
from ccx_operator.progress import only_live_facts_differ, with_snapshot
from ccx_operator.usage import counted, usage_with
from support.reconciling import NOW, a_snapshot, claude


def told(first_ms: int | None, *, started_at: datetime = NOW) -> ExecutionStatus:
    snapshot = a_snapshot(startedAt=started_at.timestamp(), output={"firstMs": first_ms})
    return with_snapshot(ExecutionStatus(), snapshot)


def test_the_first_output_is_timed_from_the_start_of_its_process() -> None:
    assert told(None).first_output_time is None
    assert told(2500).first_output_time == NOW + timedelta(seconds=2)


def test_the_first_output_of_a_later_attempt_is_not_the_executions_first() -> None:
    later = a_snapshot(startedAt=(NOW + timedelta(seconds=99)).timestamp(), output={"firstMs": 0})
    assert with_snapshot(told(2500), later).first_output_time == NOW + timedelta(seconds=2)


def test_the_first_output_alone_is_no_reason_to_write_at_once() -> None:
    assert only_live_facts_differ(told(None), told(2500))


def test_a_control_says_whether_it_was_proven() -> None:
    control = {"action": "pause", "at": NOW.timestamp(), "proven": True}
    written = with_snapshot(ExecutionStatus(), a_snapshot(control=control)).control
    assert written is not None
    assert written.proven


def test_the_start_is_that_of_the_first_process_and_unknown_before_it() -> None:
    assert told(None).start_time == NOW
    later = a_snapshot(startedAt=(NOW + timedelta(seconds=99)).timestamp())
    assert with_snapshot(told(None), later).start_time == NOW
    unstarted = a_snapshot("Starting", startedAt=None, output={"firstMs": 2})
    status = with_snapshot(ExecutionStatus(), unstarted)
    assert (status.start_time, status.first_output_time) == (None, None)


@pytest.mark.parametrize(
    ("code", "exit_code", "number"), [(None, None, None), (0, 0, None), (3, 3, None), (-9, None, 9)]
)
def test_a_process_has_an_exit_code_or_a_signal(
    code: int | None, exit_code: int | None, number: int | None
) -> None:
    process = with_snapshot(ExecutionStatus(), a_snapshot("Ended", exitCode=code)).process
    assert process is not None
    assert (process.exit_code, process.signal) == (exit_code, number)


def test_there_is_no_result_before_claude_has_told_one() -> None:
    def result(**facts: Any) -> ResultStatus | None:
        return with_snapshot(ExecutionStatus(), a_snapshot(**facts)).result

    assert result(**claude(is_error=None)) is None
    assert result(**claude(is_error=False, result="done")) == ResultStatus(text="done", bytes=0)


def test_a_session_is_told_once_it_is_known() -> None:
    unknown = a_snapshot(claude={"turns": 0})
    assert with_snapshot(ExecutionStatus(), unknown).session is None
    assert with_snapshot(ExecutionStatus(), a_snapshot(**claude())).session is not None


@pytest.mark.parametrize(
    ("one", "other", "cost"),
    [(None, None, None), ("0.5", None, "0.5"), (None, "0.25", "0.25"), ("0.5", "0.25", "0.75")],
)
def test_a_cost_that_nobody_has_told_is_none(
    one: str | None, other: str | None, cost: str | None
) -> None:
    ended = EndedAttempts(usage=UsageStatus(input_tokens=1, cost_usd=one))
    found = usage_with(ended, UsageStatus(input_tokens=1, cost_usd=other))
    assert found is not None
    assert (found.input_tokens, found.cost_usd) == (2, cost)


def test_what_this_attempt_has_not_told_is_what_the_others_had() -> None:
    ended = EndedAttempts(usage=UsageStatus(input_tokens=7))
    assert usage_with(ended, None) == ended.usage
    assert usage_with(EndedAttempts(), None) is None


def test_what_claude_had_counted_is_found_out_of_the_sums() -> None:
    had, used = UsageStatus(input_tokens=30, cost_usd="0.3"), UsageStatus(input_tokens=100)
    assert counted(EndedAttempts(resume_usage=had), None) == had
    assert counted(EndedAttempts(), UsageStatus(input_tokens=5)) == UsageStatus(input_tokens=5)
    total = UsageStatus(input_tokens=104)
    found = counted(EndedAttempts(usage=used, resume_usage=had), total)
    assert found is not None
    assert (found.input_tokens, found.cost_usd) == (34, "0.3")


def test_a_cost_that_is_told_no_more_is_none_of_this_attempt() -> None:
    resumed = UsageStatus(input_tokens=30, cost_usd="0.3")
    found = usage_with(EndedAttempts(resume_usage=resumed), UsageStatus(input_tokens=31))
    assert found == UsageStatus(input_tokens=1)


def test_what_claude_counts_in_a_first_attempt_is_added_to_what_it_resumed() -> None:
    had = UsageStatus(input_tokens=30)
    found = counted(EndedAttempts(resume_usage=had), UsageStatus(input_tokens=5))
    assert found == UsageStatus(input_tokens=35)


@pytest.mark.parametrize(("action", "ending"), [("pause", False), ("cancel", True)])
def test_only_a_cancel_is_the_beginning_of_the_end(action: str, ending: bool) -> None:
    control = {"action": action, "at": 0}
    assert is_ending(a_snapshot(control=control)) is ending
