from typing import Any

import pytest

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway.takeover import SessionRefused, closing, takeover

HERE, THERE = {"id": "s", "gateway": "here"}, {"id": "s", "gateway": "there"}
TO_HERE = {"session": HERE}


def an_execution(
    session: dict[str, str] | None, *, phase: str = "Running", reason: str = "", **spec: Any
) -> ClaudeExecution:
    metadata = {"name": "e", "namespace": "ns", "uid": "u"}
    body = {"metadata": metadata, "spec": {"command": ["true"], "session": session, **spec}}
    return ClaudeExecution.model_validate({**body, "status": {"phase": phase, "reason": reason}})


@pytest.mark.parametrize(
    ("execution", "patch"),
    [
        (an_execution(THERE), TO_HERE),
        (an_execution(None), TO_HERE),
        (an_execution({"id": "s"}), TO_HERE),
        (an_execution(THERE, onDisconnect="Detach"), TO_HERE),
        (an_execution(HERE), None),
        (an_execution(THERE, phase="Succeeded"), None),
        (an_execution(THERE, phase="Cancelled", reason="SessionClosed"), None),
        (an_execution(THERE, desiredState="Cancelled"), None),
    ],
)
def test_a_session_is_taken_over_by_writing_its_gateway(
    execution: ClaudeExecution, patch: object
) -> None:
    assert takeover(execution, "s", "here") == patch


@pytest.mark.parametrize(
    ("execution", "why"),
    [
        (an_execution({"id": "x", "gateway": "here"}), "another session"),
        (an_execution({"id": "x", "gateway": "here"}, phase="Failed"), "another session"),
        (an_execution(THERE, reason="SessionClosed"), "was closed before"),
        (an_execution(HERE, reason="SessionClosed"), "was closed before"),
    ],
)
def test_a_session_of_another_or_one_that_is_closed_is_not_taken_over(
    execution: ClaudeExecution, why: str
) -> None:
    with pytest.raises(SessionRefused, match=why):
        takeover(execution, "s", "here")


def test_who_has_left_is_cancelled_and_its_session_has_no_gateway_any_more() -> None:
    patch = {"desiredState": "Cancelled", "session": {"gateway": None}}
    assert closing(an_execution(HERE), "s", "here") == patch


@pytest.mark.parametrize(
    "execution",
    [
        an_execution(THERE),
        an_execution(None),
        an_execution({"id": "x", "gateway": "here"}),
        an_execution(HERE, onDisconnect="Detach"),
        an_execution(HERE, desiredState="Cancelled"),
        an_execution(HERE, phase="Failed"),
    ],
)
def test_what_is_not_ours_or_goes_on_or_is_over_is_not_cancelled(
    execution: ClaudeExecution,
) -> None:
    assert closing(execution, "s", "here") is None
