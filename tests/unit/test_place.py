from typing import Any

import pytest

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway.notifications import gap, output, summary
from ccx_gateway.output_window import Gap, Slice
from ccx_gateway.place import Place, missed, place


def an_execution(attempts: int | None = None, output_bytes: int | None = None) -> ClaudeExecution:
    status: dict[str, Any] = {"phase": "Running", "attempts": attempts}
    if output_bytes is not None:
        status["endedAttempts"] = {"outputBytes": output_bytes}
    return ClaudeExecution.model_validate(
        {
            "metadata": {"name": "e1", "namespace": "ns", "uid": "u1"},
            "spec": {"command": ["true"]},
            "status": status,
        }
    )


@pytest.mark.parametrize(
    ("attempt", "offset", "found"),
    [
        (None, 0, Place(3, 0)),  # nothing seen yet: the newest, whole
        (None, 7, Place(1, 7)),  # output of the first attempt says nothing of an attempt
        (2, 0, Place(2, 0)),
        (3, 7, Place(3, 7)),
    ],
)
def test_an_offset_is_one_of_the_attempt_that_its_output_named(
    attempt: int | None, offset: int, found: Place
) -> None:
    assert place(attempt, offset, an_execution(3)) == found


@pytest.mark.parametrize(
    ("where", "execution"),
    [
        (Place(1, 7), an_execution()),
        (Place(2, 7), an_execution(2, 5)),
        (Place(1, 5), an_execution(2, 5)),  # had all of it
    ],
)
def test_who_has_all_that_came_before_has_missed_nothing(
    where: Place, execution: ClaudeExecution
) -> None:
    assert missed(where, execution) is None


def test_what_was_missed_of_the_attempt_before_is_a_gap_of_exact_size() -> None:
    assert missed(Place(1, 3), an_execution(2, 5)) == Gap(3, 5)
    assert missed(Place(2, 0), an_execution(3, 5)) == Gap(0, 5)


@pytest.mark.parametrize(
    ("where", "execution", "told"),
    [
        (Place(1, 3), an_execution(2), "what attempt 1 printed from byte 3 on cannot be had"),
        (Place(1, 3), an_execution(3, 5), "from byte 3 on and all of attempts up to 2 cannot"),
    ],
)
def test_where_nobody_knows_its_size_that_is_said(
    where: Place, execution: ClaudeExecution, told: str
) -> None:
    found = missed(where, execution)
    assert isinstance(found, str)
    assert told in found


def test_output_names_its_attempt_from_the_second_on() -> None:
    found, execution = Slice(3, "stdout", b"x\n"), an_execution(2)
    first, second = output(execution, found), output(execution, found, 2)
    assert (first.keys() & {"attempt"}, second["attempt"]) == (set(), 2)
    assert list(second)[-2:] == ["offset", "end"]
    assert "attempt" not in gap(execution, Gap(0, 1))
    assert gap(execution, Gap(0, 1), 2)["attempt"] == 2
    assert summary(execution)["attempt"] == 2
