from typing import Any

import pytest

from devcluster.apierrors import ApiError
from devcluster.faults import Faults, RequestKind

PATCH = RequestKind("patch", "pods", "status")


def faults_with(**fault: Any) -> Faults:
    faults = Faults()
    faults.add(fault)
    return faults


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        ({}, True),
        ({"verb": "patch", "resource": "pods", "subresource": "status"}, True),
        ({"verb": "get"}, False),
        ({"resource": "secrets"}, False),
        ({"subresource": ""}, False),
    ],
)
def test_what_a_fault_leaves_out_fits_every_request(wanted: dict[str, str], fits: bool) -> None:
    faults = faults_with(fault="conflict", **wanted)
    assert (faults.take(PATCH) is not None) is fits


def test_a_fault_is_used_up() -> None:
    faults = faults_with(fault="server-error", count=2)
    assert [faults.take(PATCH) is not None for _ in range(3)] == [True, True, False]


def test_only_an_open_watch_falls_silent() -> None:
    faults, watch = faults_with(fault="silent-watch"), RequestKind("watch", "pods", "")
    assert faults.take(watch) is None
    assert faults.take(watch, is_open=True) is not None


@pytest.mark.parametrize(
    "body", [None, {}, {"fault": "x"}, {"fault": "slow", "x": 1}, {"fault": "slow", "seconds": "2"}]
)
def test_a_fault_that_is_not_understood_is_refused(body: Any) -> None:
    with pytest.raises(ApiError):
        Faults().add(body)


@pytest.mark.parametrize("count", [0, 1001])
def test_a_fault_strikes_a_bounded_number_of_times(count: int) -> None:
    with pytest.raises(ApiError, match="count: must be 1 to 1000"):
        faults_with(fault="slow", count=count)
