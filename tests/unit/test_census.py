from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.census import Census
from ccx_operator.oldest import Oldest
from support.reconciling import NOW, an_execution, was


class Clock:
    def __init__(self) -> None:
        self.seconds = NOW.timestamp()

    def __call__(self) -> float:
        return self.seconds


def one(uid: str, phase: str, reason: str = "", **status: Any) -> ClaudeExecution:
    execution = an_execution(status=was(phase, reason, **status))
    metadata = execution.metadata.model_copy(
        update={"uid": uid, "creation_timestamp": NOW - timedelta(seconds=600)}
    )
    return execution.model_copy(update={"metadata": metadata})


def condition(kind: str, status: str, seconds_ago: float) -> dict[str, Any]:
    since = NOW - timedelta(seconds=seconds_ago)
    return {"type": kind, "status": status, "reason": "Any", "lastTransitionTime": since}


events = st.tuples(
    st.sampled_from(["saw", "settled", "forget"]),
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(list(Phase)),
    st.sampled_from(["", "Started", "PausedByUser", "NoSuchWord"]),
)


@given(st.lists(events, max_size=40))
def test_the_totals_are_those_of_a_count_of_all(
    happened: list[tuple[str, str, Phase, str]],
) -> None:
    census, truth = Census(), dict[str, Phase]()
    for kind, uid, phase, reason in happened:
        if kind == "forget":
            census.forget(uid)
            truth.pop(uid, None)
            continue
        if kind == "saw":
            census.saw(one(uid, phase.value, reason))
        else:
            census.settled(uid, phase)
        truth[uid] = phase
    for phase in Phase:
        assert census.phases()[phase] == list(truth.values()).count(phase)
    unfinished = sum(count for (phase, _), count in census.unfinished().items() if phase in Phase)
    assert unfinished == len(truth)


def test_a_second_list_of_the_same_counts_nothing_twice() -> None:
    census = Census()
    for _ in range(2):
        census.saw(one("a", "Running", "Started"))
        census.settled("b", Phase.FAILED)
    assert census.phases() == {Phase.RUNNING: 1, Phase.FAILED: 1}


def test_a_reason_that_has_no_series_of_its_own_is_another() -> None:
    census = Census()
    census.saw(one("a", "Starting", "SessionClosed"))
    census.saw(one("b", "Queued", ""))
    told = {key: count for key, count in census.unfinished().items() if count}
    assert told == {(Phase.STARTING, "Other"): 1, (Phase.QUEUED, "New"): 1}


def test_what_is_seen_first_has_waited_since_its_object_says_so() -> None:
    census = Census(Clock())
    census.saw(one("a", "Starting", "PodCreated", conditions=[condition("Running", "False", 90)]))
    assert census.waiting.seconds() == 90
    census.saw(one("b", "Queued", ""))
    assert census.waiting.seconds() == 600


def test_a_wait_goes_on_over_its_reasons_and_ends_with_the_start() -> None:
    clock = Clock()
    census = Census(clock)
    census.saw(one("a", "Queued", "QuotaExceeded"))
    clock.seconds += 50
    census.saw(one("a", "Starting", "PodCreated"))
    assert census.waiting.seconds() == 650
    census.saw(one("a", "Running", "Started"))
    assert census.waiting.seconds() == 0


def test_what_is_held_on_purpose_does_not_wait_until_it_is_let_go() -> None:
    clock = Clock()
    census = Census(clock)
    census.saw(one("a", "Queued", "Suspended"))
    assert census.waiting.seconds() == 0
    census.saw(one("a", "Starting", "PodCreated"))
    clock.seconds += 7
    assert census.waiting.seconds() == 7


@pytest.mark.parametrize("end", [lambda c: c.forget("a"), lambda c: c.settled("a", Phase.FAILED)])
def test_a_pause_counts_from_its_beginning_until_it_ends_in_any_way(
    end: Callable[[Census], None],
) -> None:
    clock = Clock()
    census = Census(clock)
    census.saw(one("a", "Running", "Started"))
    census.saw(one("a", "Paused", "PausedByUser"))
    clock.seconds += 30
    assert census.paused.seconds() == 30
    end(census)
    assert census.paused.seconds() == 0


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.none() | st.integers(0, 50)), max_size=200))
def test_the_oldest_is_the_oldest_of_those_that_are_there(
    happened: list[tuple[str, int | None]],
) -> None:
    oldest, truth = Oldest(lambda: 100.0), dict[str, int]()
    for key, since in happened:
        if since is None:
            oldest.forget(key)
            truth.pop(key, None)
        else:
            oldest.add(key, since)
            truth[key] = since
        assert oldest.seconds() == (100 - min(truth.values()) if truth else 0)


def test_what_comes_and_goes_beside_an_old_one_leaves_nothing_behind() -> None:
    oldest = Oldest(lambda: 100.0)
    oldest.add("old", 1)
    for number in range(10_000):
        oldest.add(f"{number}", 50)
        oldest.forget(f"{number}")
    assert len(oldest._heap) < 100
    assert oldest.seconds() == 99
