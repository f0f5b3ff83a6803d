import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_runner.run_clock import RunClock

STEPS = st.lists(st.tuples(st.sampled_from(["pause", "resume", "read"]), st.integers(0, 99)))


@given(STEPS)
def test_every_second_is_either_active_or_paused(steps: list[tuple[str, int]]) -> None:
    clock, now, active, paused, is_paused = RunClock().started(10), 10, 0, 0, False
    for step, seconds in steps:
        now += seconds
        active, paused = active + seconds * (not is_paused), paused + seconds * is_paused
        clock = {"pause": clock.pause, "resume": clock.resume, "read": clock.read}[step](now)
        is_paused = {"pause": True, "resume": False, "read": is_paused}[step]
    assert (clock.active, clock.paused) == (active, paused)


def test_paused_time_uses_up_no_limit() -> None:
    clock = RunClock().started(0).pause(20)
    assert clock.left_of(60, 1000) == math.inf
    assert clock.resume(1000).left_of(60, 1000) == pytest.approx(40)


def test_what_is_left_of_a_limit_is_never_below_nothing() -> None:
    assert RunClock().started(0).left_of(60, 70) == 0


def test_nothing_counts_before_the_start_and_after_the_end() -> None:
    assert RunClock().read(99) == RunClock()
    ended = RunClock().started(0).ended(5)
    assert (ended.read(99).active, ended.left_of(60, 99)) == (5, math.inf)


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    assert RunClock().started(10).read(5).active == 0
