"""What the operator says of an execution of which its runner has not heard for too long."""

from typing import Any

import pytest

from ccx_api.status import ExecutionStatus, Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.actions import Look
from ccx_operator.observed import Looked, Observed
from support.deciding import a_command, actions, status
from support.reconciling import NOW, POD, POD_UID, a_pod, a_snapshot, ended, seen


def running(*, ready: bool = False, **facts: Any) -> Observed:
    pod = a_pod(running=True, ready=ready)
    return seen(pod, snapshot=a_snapshot(**facts), looked=Looked(NOW, ready=ready))


def told(found: ExecutionStatus) -> str | None:
    """The condition Stalled."""
    return next((c.status for c in found.conditions if c.type == "Stalled"), None)


def after(found: ExecutionStatus, **spec: Any) -> ClaudeExecution:
    return a_command(**spec).model_copy(update={"status": found})


STALLED = status(a_command(stallTimeoutSeconds=7), running(stalled=True))


def test_a_stall_is_a_condition_and_no_phase() -> None:
    assert (STALLED.phase, STALLED.reason, told(STALLED)) == ("Running", "Started", "True")
    assert STALLED.message == "nothing has been heard of it for 7 s (spec.stallTimeoutSeconds)"


def test_it_is_over_with_the_next_sign_of_life_and_then_known_to_be() -> None:
    found = status(after(STALLED), running(ready=True))
    assert (told(found), found.message) == ("False", "")


def test_what_has_never_stalled_says_nothing_of_it() -> None:
    assert told(status(a_command(), running(ready=True))) is None
    assert told(status(a_command(), seen(a_pod(exit_code=0), snapshot=ended()))) is None


def test_until_its_runner_is_asked_anew_it_is_as_it_was() -> None:
    unasked = seen(a_pod(running=True), looked=Looked(NOW))
    assert told(status(after(STALLED), unasked)) == "True"
    over = status(after(STALLED), running(ready=True))
    assert told(status(after(over), unasked)) == "False"
    paused = STALLED.model_copy(update={"phase": Phase.PAUSED})
    frozen = seen(a_pod(running=True, ready=False), looked=Looked(NOW))
    assert told(status(after(paused), frozen)) == "False"


def test_a_turn_that_was_restarted_and_stalls_again_says_both() -> None:
    found = status(a_command(), running(stalled=True, claude={"restarts": 1}))
    assert "nothing has been heard" in found.message
    assert "restarted" in found.message


@pytest.mark.parametrize(
    ("last_words", "outcome", "condition"),
    [
        (ended(143, "Deadline", stalled=True), "Failed Stalled", "True"),
        (ended(143, "Deadline"), "Failed DeadlineExceeded", "False"),
        (ended(3, stalled=True), "Failed ExitCode", "False"),
    ],
)
def test_what_was_ended_for_a_stall_has_failed_for_that(
    last_words: Any, outcome: str, condition: str
) -> None:
    over = seen(a_pod(exit_code=1), snapshot=last_words)
    found = status(after(STALLED, stallTimeoutSeconds=7), over)
    assert f"{found.phase} {found.reason}" == outcome
    assert told(found) == condition
    assert ("for 7 s" in found.message) == (outcome == "Failed Stalled")


def test_it_is_asked_again_once_its_readiness_says_that_something_has_changed() -> None:
    assert actions(a_command(), running(stalled=True)) == ()
    back = seen(
        a_pod(running=True), snapshot=a_snapshot(stalled=True), looked=Looked(NOW, ready=False)
    )
    assert actions(a_command(), back) == (Look(POD, POD_UID),)
