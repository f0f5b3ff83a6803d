from typing import Any

import pytest

from ccx_api.conditions import Reason
from ccx_api.status import Phase
from ccx_operator.conditions import settle
from ccx_operator.events import transition_event
from support.reconciling import NOW, an_execution, was


def the_event(phase: str, reason: str, message: str = "", **spec: Any) -> dict[str, Any] | None:
    execution = an_execution(status=was("Starting", "PodCreated"), **spec)
    status = settle(execution, execution.status, Phase(phase), Reason(reason), message, now=NOW)
    return transition_event(execution, status, NOW)


def test_what_stays_is_not_told() -> None:
    assert the_event("Starting", "PodCreated", "another text") is None


def test_a_transition_is_told_in_words() -> None:
    event = the_event("Running", "Started")
    assert event is not None
    assert (event["type"], event["reason"]) == ("Normal", "Started")
    assert event["message"] == "Running: its process runs"
    assert event["involvedObject"]["name"] == "e1"
    assert event["firstTimestamp"] == "2026-01-01T12:00:00Z"


@pytest.mark.parametrize(
    ("phase", "reason"), [("Failed", "PodLost"), ("Starting", "Unschedulable")]
)
def test_what_needs_somebody_is_a_warning(phase: str, reason: str) -> None:
    event = the_event(phase, reason)
    assert event is not None
    assert event["type"] == "Warning"


def test_the_same_transition_has_the_same_name_and_the_next_wish_another() -> None:
    def name(**spec: Any) -> str:
        event = the_event("Paused", "PausedByUser", **spec)
        assert event is not None
        return str(event["metadata"]["name"])

    assert name() == name()
    assert name(generation=2) != name(generation=3)


def test_every_attempt_has_events_of_its_own() -> None:
    def name(attempts: int) -> str:
        execution = an_execution(status=was("Starting", "PodCreated", attempts=attempts))
        running, started = Phase("Running"), Reason("Started")
        status = settle(execution, execution.status, running, started, now=NOW)
        event = transition_event(execution, status, NOW)
        assert event is not None
        return str(event["metadata"]["name"])

    assert len({name(1), name(2), name(3)}) == 3


def test_a_transition_is_told_in_the_words_of_its_status() -> None:
    event = the_event("Failed", "ExitCode", "ended with exit code 3")
    assert event is not None
    assert event["message"] == "Failed: ended with exit code 3"


def test_the_events_of_a_first_attempt_are_named_as_they_were_before_there_were_others() -> None:
    def name(attempts: int | None) -> str:
        execution = an_execution(status=was("Starting", "PodCreated", attempts=attempts))
        running, started = Phase("Running"), Reason("Started")
        status = settle(execution, execution.status, running, started, now=NOW)
        event = transition_event(execution, status, NOW)
        assert event is not None
        return str(event["metadata"]["name"])

    assert name(None) == name(1)
