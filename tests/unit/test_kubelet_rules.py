"""The small rules of the kubelet: probes, back-off, images, quality of service, Events."""

from typing import Any

import pytest

from devcluster.kubelet.backoff import Backoff
from devcluster.kubelet.events import BURST, REFILL_SECONDS, Events
from devcluster.kubelet.images import pull_error
from devcluster.kubelet.local_ports import LocalPorts
from devcluster.kubelet.probe import Verdicts
from devcluster.kubelet.quality_of_service import qos_class
from devcluster.store import Store
from support.pods import a_container, a_pod


def test_readiness_changes_after_so_many_results_of_one_kind() -> None:
    verdicts = Verdicts(successes=2, failures=3)
    results = [True, True, False, False, True, False, False, False, True]
    assert [verdicts.saw(result) for result in results] == [
        False, True, True, True, True, True, True, False, False,
    ]  # fmt: skip


def test_with_thresholds_of_one_every_result_counts() -> None:
    verdicts = Verdicts(successes=1, failures=1)
    assert [verdicts.saw(result) for result in (True, False, True)] == [True, False, True]


def test_restarts_come_further_apart_up_to_five_minutes_until_one_runs_long() -> None:
    backoff = Backoff()
    assert [backoff.next() for _ in range(8)] == [0, 10, 20, 40, 80, 160, 300, 300]
    assert backoff.next(ran_seconds=601) == 0


@pytest.mark.parametrize(
    ("image", "fails"),
    [
        ("registry.invalid/a/b:1", True),
        ("registry.invalid:5000/a", True),
        ("registry.valid/a", False),
        ("name.invalid", False),
        ("docker.io/x.invalid", False),
    ],
)
def test_an_image_cannot_be_had_from_a_registry_that_cannot_exist(image: str, fails: bool) -> None:
    assert (pull_error(image) is not None) == fails


@pytest.mark.parametrize(
    ("resources", "quality"),
    [
        ({}, "BestEffort"),
        ({"requests": {"ephemeral-storage": "1Gi"}}, "BestEffort"),
        ({"requests": {"cpu": "1"}}, "Burstable"),
        ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed"),
        ({"requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "1Gi"}}, "Burstable"),
    ],
)
def test_the_quality_of_service_follows_from_requests_and_limits(
    resources: dict[str, Any], quality: str
) -> None:
    assert qos_class(a_pod(a_container("true", resources=resources))["spec"]) == quality


def test_no_port_is_given_twice_until_it_is_free_again() -> None:
    ports = LocalPorts()
    first, second = ports.take([80, 443, 80]), ports.take([80])
    assert first.keys() == {80, 443}
    assert len({*first.values(), *second.values()}) == 3


def test_a_repeated_event_is_counted() -> None:
    store = Store()
    events = Events(store, "n1", clock=lambda: 0)
    for _ in range(3):
        events.tell("Warning", a_pod(), "Failed", "why", "main")
    (event,) = store.list("events")
    assert (event["count"], event["involvedObject"]["fieldPath"]) == (3, "spec.containers{main}")


def test_a_flood_of_events_ends_and_goes_on_slowly() -> None:
    store, now = Store(), 0.0
    events = Events(store, "n1", clock=lambda: now)
    for n in range(2 * BURST):
        events.tell("Normal", a_pod(), "Reason", f"message {n}")
    assert len(store.list("events")) == BURST
    now = 2 * REFILL_SECONDS
    for n in range(5):
        events.tell("Normal", a_pod(), "Later", f"message {n}")
    assert len(store.list("events")) == BURST + 2
