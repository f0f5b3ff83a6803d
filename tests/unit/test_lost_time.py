"""What a process has used that is lost without its last words counts for its deadline."""

from dataclasses import replace
from typing import Any

import pytest

from ccx_api.status import ExecutionStatus
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_api.wish import Wish
from ccx_operator.facts import AgentFacts, PodFacts
from ccx_operator.observed import Gone, Observed
from ccx_operator.reconcile import decide
from support.deciding import a_command
from support.reconciling import NEXT_POD, NOW, a_pod, a_snapshot, ago, ended, seen, was

RUNNING = was("Running", "Started", attempts=1)
PAUSED = was("Paused", "PausedByUser", attempts=1)


def a_lost_pod(seconds: float = 100, **facts: Any) -> PodFacts:
    """It has run for so long."""
    return a_pod(running=True, age=seconds + 1, **facts)


def lost(
    pod: PodFacts | None, *, status: dict[str, Any] = RUNNING, retries: int = 3, **facts: Any
) -> ExecutionStatus:
    execution = a_command(status=status, backoffLimit=retries)
    return decide(execution, seen(Gone(pod), **facts), now=NOW).status


def test_a_command_that_nobody_has_sampled_has_run_as_long_as_its_container() -> None:
    found = lost(a_lost_pod(100))
    assert (found.reason, found.active_seconds) == ("Retrying", 100)
    assert found.ended_attempts is not None
    assert found.ended_attempts.active_seconds == 100


def test_the_next_attempt_has_what_is_left_of_the_deadline() -> None:
    execution = a_command(status=RUNNING, backoffLimit=3, activeDeadlineSeconds=150)
    status = decide(execution, seen(Gone(a_lost_pod(100))), now=NOW).status
    left = Wish.of(execution.model_copy(update={"status": status})).active_deadline_seconds
    assert left == 50


def test_without_another_attempt_it_stands_in_the_status_of_the_end() -> None:
    found = lost(a_lost_pod(100), retries=0)
    assert (found.phase, found.reason, found.active_seconds) == ("Failed", "PodLost", 100)


@pytest.mark.parametrize(
    ("facts", "seconds"),
    [
        ({"unreachable_since": ago(40)}, 60),
        ({"agent": {"finished_at": ago(30), "exit_code": 137, "reason": "OOMKilled"}}, 70),
    ],
)
def test_it_is_counted_until_it_was_last_known_to_run(facts: dict[str, Any], seconds: int) -> None:
    agent = {"running_since": None, "started_at": ago(100), **facts.pop("agent", {})}
    pod = replace(a_lost_pod(100, **facts), agent=AgentFacts(**agent))
    assert lost(pod).active_seconds == seconds


def test_known_pauses_and_earlier_attempts_are_counted_as_what_they_are() -> None:
    before = {"endedAttempts": {"activeSeconds": 7, "pausedSeconds": 3}}
    status = {**was("Running", "Started", attempts=2, podName=NEXT_POD), **before}
    snapshot = a_snapshot(activeSeconds=1, pausedSeconds=20)
    found = lost(a_lost_pod(100, name=NEXT_POD), status=status, snapshot=snapshot)
    assert (found.active_seconds, found.paused_seconds) == (7 + 80, 3 + 20)


def test_of_one_that_was_last_known_to_be_paused_nothing_since_then_counts() -> None:
    paused = a_snapshot("Paused", activeSeconds=9, pausedSeconds=1)
    assert lost(a_lost_pod(100), status=PAUSED, snapshot=paused).active_seconds == 9
    known = {**PAUSED, "activeSeconds": 8}
    assert lost(a_lost_pod(100), status=known).active_seconds == 8


def test_last_words_of_the_end_are_exact_and_a_runner_that_was_sampled_is_believed() -> None:
    assert lost(a_lost_pod(100), snapshot=ended(143, "Outside")).active_seconds == 5
    assert lost(a_lost_pod(100), snapshot=a_snapshot(activeSeconds=120)).active_seconds == 120


@pytest.mark.parametrize("pod", [None, replace(a_lost_pod(), agent=AgentFacts())])
def test_what_nobody_has_seen_run_keeps_what_its_status_says(pod: PodFacts | None) -> None:
    assert lost(pod, status={**RUNNING, "activeSeconds": 3}).active_seconds == 3
    assert lost(pod).active_seconds == 0


def test_while_its_pod_goes_the_time_that_was_counted_is_not_taken_back() -> None:
    def then(execution: ClaudeExecution, observed: Observed) -> ClaudeExecution:
        found = decide(execution, observed, now=NOW).status
        return execution.model_copy(update={"status": found})

    oom = AgentFacts(started_at=ago(100), finished_at=NOW, exit_code=137, reason="OOMKilled")
    pod = replace(a_lost_pod(100), agent=oom)
    sampled = a_snapshot(activeSeconds=60)
    given_up = then(a_command(status=RUNNING, backoffLimit=3), seen(pod, snapshot=sampled))
    assert given_up.status.active_seconds == 100
    after = then(given_up, seen(Gone(pod), snapshot=sampled)).status
    assert (after.attempts, after.active_seconds) == (2, 100)
    cancelled = given_up.model_copy(
        update={"spec": a_command(desired="Cancelled", backoffLimit=3).spec}
    )
    found = then(cancelled, seen(Gone(pod), snapshot=sampled)).status
    assert (found.phase, found.active_seconds) == ("Cancelled", 100)


def test_what_the_next_look_says_less_of_is_not_taken_back() -> None:
    status = {**RUNNING, "activeSeconds": 50}
    assert lost(None, status=status, snapshot=a_snapshot(activeSeconds=9)).active_seconds == 50
    assert lost(None, status=status, snapshot=a_snapshot(activeSeconds=60)).active_seconds == 60
    at_the_end = lost(None, status=status, snapshot=a_snapshot(activeSeconds=60), retries=0)
    assert at_the_end.active_seconds == 60


def test_of_what_never_ran_nothing_is_told() -> None:
    waiting = was("Starting", "PodCreated", attempts=1)
    assert lost(a_pod(), status=waiting, retries=0).active_seconds is None


def test_last_words_that_come_after_it_was_given_up_count() -> None:
    held = was("Queued", "Suspended", attempts=1, activeSeconds=3)
    found = lost(a_lost_pod(100), status=held, snapshot=ended(143, "Outside"))
    assert (found.attempts, found.active_seconds) == (2, 5)
