from typing import Any

import pytest

from devcluster.apierrors import ApiError
from devcluster.faults import Faults, RequestKind

PATCH = RequestKind("patch", "pods", "status", "default", "kubectl")
EXEC = RequestKind("create", "pods", "exec", "default", "kubectl")


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
        ({"verb": "write", "resource": "events,pods"}, True),
        ({"namespace": "default", "agent": "kubectl"}, True),
        ({"namespace": "other"}, False),
        ({"agent": "kopf"}, False),
    ],
)
def test_what_a_fault_leaves_out_fits_every_request(wanted: dict[str, str], fits: bool) -> None:
    faults = faults_with(fault="conflict", **wanted)
    assert (faults.take(PATCH) is not None) is fits


def test_a_fault_is_used_up() -> None:
    faults = faults_with(fault="server-error", count=2)
    assert [faults.take(PATCH) is not None for _ in range(3)] == [True, True, False]


def test_a_fault_lets_through_what_comes_before_it() -> None:
    faults = faults_with(fault="server-error", after=2)
    assert [faults.take(PATCH) is not None for _ in range(4)] == [False, False, True, False]


def test_only_of_a_write_the_answer_can_be_lost() -> None:
    faults = faults_with(fault="lost-answer")
    assert faults.take(RequestKind("get", "pods", "")) is None
    assert faults.take(EXEC) is None
    assert faults.take(PATCH) is not None


@pytest.mark.parametrize("name", ["reset-exec", "close-exec"])
def test_only_an_exec_can_be_cut(name: str) -> None:
    faults = faults_with(fault=name, bytes=7)
    assert faults.take(PATCH) is None
    assert faults.take(RequestKind("get", "pods", "log")) is None
    cut = faults.take(EXEC)
    assert cut is not None
    assert cut.bytes == 7


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


@pytest.mark.parametrize("after", [-1, 1001])
def test_a_fault_waits_for_a_bounded_number_of_requests(after: int) -> None:
    with pytest.raises(ApiError, match="after: must be 0 to 1000"):
        faults_with(fault="slow", after=after)
