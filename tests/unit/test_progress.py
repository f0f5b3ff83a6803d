from datetime import datetime, timedelta

from ccx_api.status import ExecutionStatus
from ccx_operator.progress import only_live_facts_differ, with_snapshot
from support.reconciling import NOW, a_snapshot


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
