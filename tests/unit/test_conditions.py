"""What the conditions say beside phase, reason and message."""

from typing import Any

import pytest

from ccx_api.conditions import Condition, Reason
from ccx_api.status import ExecutionStatus, Phase
from ccx_operator.conditions import settle
from support.reconciling import NOW, ago, an_execution, was


def settled(
    phase: str,
    reason: str,
    message: str = "words",
    *,
    stalled: bool = False,
    before: ExecutionStatus | None = None,
) -> ExecutionStatus:
    status = before or ExecutionStatus()
    execution = an_execution(generation=3, status=was("Queued"))
    said = Phase(phase), Reason(reason), message
    return settle(execution, status, *said, now=NOW, stalled=stalled)


def the(kind: str, status: ExecutionStatus) -> Condition | None:
    return next((c for c in status.conditions if c.type == kind), None)


def says(kind: str, status: ExecutionStatus) -> tuple[str, str, str]:
    found = the(kind, status)
    assert found is not None
    return found.status, found.reason, found.message


@pytest.mark.parametrize(
    ("phase", "reason", "conditions"),
    [
        ("Running", "Started", {"PodReady": "True", "Running": "True", "Paused": "False"}),
        ("Running", "NodeUnreachable", {"PodReady": "False", "Running": "Unknown"}),
        ("Paused", "NodeUnreachable", {"PodReady": "False", "Running": "Unknown"}),
        ("Paused", "PausedByUser", {"PodReady": "False", "Running": "True", "Paused": "True"}),
        ("Starting", "PodCreated", {"Running": "False", "Succeeded": "Unknown"}),
        ("Succeeded", "Completed", {"Succeeded": "True", "Finished": "True", "Running": "False"}),
        ("Failed", "ExitCode", {"Succeeded": "False", "Finished": "True", "Accepted": "True"}),
        ("Failed", "NotAllowed", {"Accepted": "False", "Finished": "True"}),
    ],
)
def test_each_is_true_of_its_phase_and_reason(
    phase: str, reason: str, conditions: dict[str, str]
) -> None:
    told = {c.type: c.status for c in settled(phase, reason).conditions}
    assert told | conditions == told


@pytest.mark.parametrize(
    ("reason", "owner"),
    [
        ("BudgetSoftLimit", "BudgetSoftLimit"),
        ("RateLimited", "RateLimited"),
        ("NodeUnreachable", "PausedByUser"),
    ],
)
def test_a_pause_names_its_owner_where_the_status_does(reason: str, owner: str) -> None:
    assert says("Paused", settled("Paused", reason))[:2] == ("True", owner)


def test_the_end_of_a_process_is_the_reason_that_it_does_not_run() -> None:
    assert says("Running", settled("Failed", "PodLost"))[:2] == ("False", "Ended")
    assert says("Running", settled("Queued", "Suspended"))[:2] == ("False", "NotStarted")


def test_the_message_is_repeated_by_what_speaks_of_the_same_and_by_nothing_else() -> None:
    def tell(status: ExecutionStatus) -> set[str]:
        return {c.type for c in status.conditions if c.message == "words"}

    assert tell(settled("Failed", "ExitCode")) == {"Succeeded", "Finished"}
    assert tell(settled("Failed", "NotAllowed")) == {"Accepted", "Succeeded", "Finished"}
    assert tell(settled("Running", "Started")) == set()
    assert tell(settled("Running", "NodeUnreachable")) == {"Running"}


def test_a_transition_has_its_time_and_what_stays_keeps_it() -> None:
    before = settled("Starting", "PodCreated")
    old = [c.model_copy(update={"last_transition_time": ago(60)}) for c in before.conditions]
    before = before.model_copy(update={"conditions": tuple(old)})
    after = settled("Running", "Started", before=before)
    changed = {c.type for c in after.conditions if c.last_transition_time == NOW}
    assert changed == {"PodReady", "Running"}
    assert {c.observed_generation for c in after.conditions} == {3}


def test_a_stall_is_told_once_there_has_been_one() -> None:
    assert the("Stalled", settled("Running", "Started")) is None
    stalled = settled("Running", "Started", stalled=True)
    assert says("Stalled", stalled)[:2] == ("True", "Stalled")
    assert says("Stalled", settled("Running", "Started", before=stalled))[:2] == ("False", "Active")
    assert says("Stalled", settled("Failed", "Stalled"))[0] == "True"


@pytest.mark.parametrize(
    ("phase", "reason", "message"),
    [("Running", "SessionClosed", "g1 has gone"), ("Cancelled", "CancelledByUser", "cancelled")],
)
def test_that_its_session_is_closed_is_said_until_its_end(
    phase: str, reason: str, message: str
) -> None:
    closing: dict[str, Any] = was("Running", "SessionClosed", message="g1 has gone")
    execution = an_execution(status=closing)
    end = Reason("Started" if phase == "Running" else reason)
    found = settle(execution, execution.status, Phase(phase), end, "cancelled", now=NOW)
    assert (found.reason, found.message) == (reason, message)
