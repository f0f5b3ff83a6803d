"""What is settled, and for how long it stays."""

from typing import Any

import pytest

from ccx_api.names import FINALIZER
from ccx_operator.settled import Expiry, expiry_in, expiry_of, settled_phase
from support.reconciling import (
    NOW,
    an_execution,
    was,
)

RUNNING = was("Running", "Started")


@pytest.mark.parametrize(
    ("metadata", "status", "phase"),
    [
        ({}, {"status": {"phase": "Failed"}}, "Failed"),
        ({"finalizers": None}, {"status": {"phase": "Failed"}}, "Failed"),
        ({"finalizers": ["another"]}, {"status": {"phase": "Failed"}}, "Failed"),
        ({"finalizers": [FINALIZER]}, {"status": {"phase": "Failed"}}, None),
        ({}, {"status": {"phase": "Running"}}, None),
        ({}, {"status": None}, None),
        ({}, {}, None),
    ],
)
def test_only_what_has_ended_and_is_let_go_is_settled(
    metadata: dict[str, Any], status: dict[str, Any], phase: str | None
) -> None:
    assert settled_phase({"metadata": metadata, **status}) == phase


def test_what_has_no_time_of_its_end_or_no_limit_never_expires() -> None:
    metadata = {"name": "e1", "namespace": "ns", "resourceVersion": "1"}
    limited = {"spec": {"ttlSecondsAfterFinished": 60}}
    for body in ({}, {"spec": None}, limited, {**limited, "status": {"phase": "Failed"}}):
        assert expiry_in({"metadata": metadata, **body}) is None
    ended_at = {"status": {"completionTime": NOW.isoformat()}}
    found = expiry_in({"metadata": metadata, **limited, **ended_at})
    assert found is not None
    assert found.due == NOW.timestamp() + 60
    assert expiry_of(an_execution(ttlSecondsAfterFinished=60, status=RUNNING)) is None


@pytest.mark.parametrize(
    ("one", "other", "older"), [("1", "2", True), ("10", "9", False), ("a", "9", False)]
)
def test_an_expiry_is_older_only_where_both_versions_are_numbers(
    one: str, other: str, older: bool
) -> None:
    assert Expiry("ns", "e", 0, one).is_older_than(Expiry("ns", "e", 0, other)) is older
