from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from ccx_api.conditions import Reason
from ccx_api.status import ExecutionStatus, Phase
from ccx_operator.execution_metrics import FINISHED, RETRIED, ExecutionMetrics
from ccx_operator.model_label import MAX_MODELS, ModelLabels
from support.metering import sample
from support.reconciling import NOW, ago, an_execution, was

Status = dict[str, Any]
CREATED = ago(100)


class Counted:
    """Of a chain of statuses, each written after the one before."""

    def __init__(self, *statuses: Status) -> None:
        registry = CollectorRegistry()
        metrics = ExecutionMetrics(registry)
        for before, after in pairwise(statuses):
            execution = an_execution(status=before)
            metadata = execution.metadata.model_copy(update={"creation_timestamp": CREATED})
            written = ExecutionStatus.model_validate(after)
            metrics.moved(execution.model_copy(update={"metadata": metadata}), written)
        self._page = generate_latest(registry).decode()

    def __getitem__(self, series: str) -> float:
        return sample(self._page, series)


def finished(reason: str, **status: Any) -> Status:
    phase = next(phase for phase, reasons in FINISHED.items() if reason in reasons)
    told: Status = {"startTime": ago(60), "completionTime": NOW, "activeSeconds": 40, **status}
    return was(phase.value, reason, **told)


def used(model: str | None = "claude-sonnet-4-5-20250929", **usage: Any) -> Status:
    session = {"session": {"id": "s", "model": model}} if model is not None else {}
    return was("Running", "Started", usage=usage, **session)


def test_an_end_is_counted_once_by_phase_and_reason_with_its_times() -> None:
    end = finished("Completed")
    counted = Counted(was("Running", "Started"), end, end)
    assert counted['ccx_executions_finished_total{phase="Succeeded",reason="Completed"}'] == 1
    assert counted['ccx_execution_duration_seconds_sum{phase="Succeeded"}'] == 60
    assert counted['ccx_execution_active_seconds_sum{phase="Succeeded"}'] == 40


def test_every_outcome_is_told_of_before_it_first_happens() -> None:
    counted = Counted()
    for phase, reasons in FINISHED.items():
        for reason in reasons:
            series = f'ccx_executions_finished_total{{phase="{phase}",reason="{reason}"}}'
            assert counted[series] == 0


def test_an_outcome_without_a_series_of_its_own_is_another() -> None:
    end = was("Failed", "Suspended", completionTime=NOW)
    counted = Counted(was("Running", "Started"), end)
    assert counted['ccx_executions_finished_total{phase="Failed",reason="Other"}'] == 1


def test_a_start_is_timed_from_the_creation_to_the_process_and_to_the_first_output() -> None:
    started = was("Running", "Started", startTime=ago(95))
    spoke = {**started, "firstOutputTime": ago(90)}
    counted = Counted(was("Starting", "PodCreated"), started, spoke, spoke)
    assert counted['ccx_execution_startup_seconds_sum{until="process"}'] == 5
    assert counted['ccx_execution_startup_seconds_sum{until="output"}'] == 10
    assert counted['ccx_execution_startup_seconds_count{until="output"}'] == 1


@pytest.mark.parametrize(("proven", "result"), [(True, "proven"), (False, "failed")])
def test_a_freeze_is_counted_as_what_came_of_it(proven: bool, result: str) -> None:
    def paused(at: float) -> Status:
        control = {"lastAction": "pause", "latencyMillis": 20, "deliveredAt": ago(at)}
        return was("Paused", "PausedByUser", control={**control, "proven": proven})

    counted = Counted(was("Running", "Started"), paused(9), paused(9), paused(3))
    assert counted[f'ccx_freezes_total{{result="{result}"}}'] == 2
    assert counted['ccx_control_seconds_sum{action="pause"}'] == pytest.approx(0.04)


def test_a_resume_saves_what_the_attempt_had_done_by_then() -> None:
    ended = {"endedAttempts": {"activeSeconds": 100}}
    paused = was("Paused", "PausedByUser", activeSeconds=130, pausedSeconds=2, **ended)
    resumed = was("Running", "Resumed", activeSeconds=130, pausedSeconds=50, **ended)
    counted = Counted(was("Running", "Started"), paused, resumed)
    assert counted["ccx_pause_saved_seconds_total"] == 30
    assert counted["ccx_execution_paused_seconds_total"] == 50


def test_a_cancel_of_a_paused_one_saves_nothing() -> None:
    paused = was("Paused", "PausedByUser", activeSeconds=30)
    counted = Counted(paused, finished("CancelledByUser"))
    assert counted["ccx_pause_saved_seconds_total"] == 0


def test_a_retry_is_counted_once_by_what_ended_the_attempt() -> None:
    ended: Status = {"endedAttempts": {"retries": 1, "retriedFor": "OOMKilled"}, "retryTime": NOW}
    given_up = was("Starting", "Retrying", attempts=1, **ended)
    begins = {**given_up, "attempts": 2, "podName": None, "podUID": None}
    counted = Counted(was("Running", "Started"), given_up, begins, was("Running", **ended))
    assert counted['ccx_execution_retries_total{reason="OOMKilled"}'] == 1
    assert set(RETRIED) - {"Other"} <= {reason.value for reason in Reason}


def test_usage_is_counted_as_it_grows_by_model_without_its_date() -> None:
    first = used(inputTokens=100, outputTokens=10, costUSD="0.5")
    second = used(inputTokens=150, outputTokens=30, cacheReadTokens=7, costUSD="0.75")
    counted = Counted(was("Running", "Started"), first, second, second)
    tokens = 'ccx_execution_tokens_total{model="claude-sonnet-4-5",type="%s"}'
    assert [counted[tokens % kind] for kind in ("input", "output", "cache_read")] == [150, 30, 7]
    assert counted['ccx_execution_cost_usd_total{model="claude-sonnet-4-5"}'] == 0.75


def test_what_a_restarted_operator_finds_written_is_not_counted_again() -> None:
    """The first write of the new one is told the difference to what the old one had written."""
    known = used(inputTokens=100, costUSD="0.5", output=None)
    counted = Counted(known, {**known, "activeSeconds": 30})
    assert counted['ccx_execution_cost_usd_total{model="claude-sonnet-4-5"}'] == 0


def test_output_is_counted_over_attempts_of_which_each_begins_at_nothing() -> None:
    def printed(count: int, dropped: int = 0) -> Status:
        return was("Running", "Started", output={"bytes": count, "droppedBytes": dropped})

    counted = Counted(was("Starting"), printed(10), printed(30, 5), was("Starting"), printed(4))
    assert counted["ccx_runner_output_bytes_total"] == 34
    assert counted["ccx_runner_output_dropped_bytes_total"] == 5


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("us.anthropic.claude-opus-4-1-20250805-v1:0", "claude-opus-4-1"),
        ("claude-opus-4@20250514", "claude-opus-4"),
        ("claude-3-5-haiku-20241022", "claude-3-5-haiku"),
        ("my secret project", "other"),
        ("", "none"),
        (None, "none"),
    ],
)
def test_a_model_is_labelled_by_family_and_version(word: str | None, label: str) -> None:
    assert ModelLabels().of(word) == label


def test_an_agent_cannot_make_many_series_by_what_it_calls_its_model() -> None:
    labels = ModelLabels()
    told = {labels.of(f"claude-{letter * 3}-1") for letter in "abcdefghijklmnopqrstuvwxyz"}
    assert len(told) == MAX_MODELS + 1
    assert labels.of("claude-aaa-1") == "claude-aaa-1"


def test_time_never_counts_backwards() -> None:
    early = CREATED - timedelta(seconds=3)
    counted = Counted(was("Starting"), was("Running", "Started", startTime=early))
    assert counted['ccx_execution_startup_seconds_sum{until="process"}'] == 0


def test_the_outcomes_are_those_of_terminal_phases() -> None:
    assert {phase for phase in Phase if phase.is_terminal} == set(FINISHED)
