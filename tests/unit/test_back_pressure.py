import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_runner.back_pressure import MAX_AWAY, BackPressure, ReadersAway, on_its_way
from ccx_runner.follower import Follower
from ccx_runner.frames import Stream
from ccx_runner.spool import Spool

CAPACITY, SEGMENTS = 64, 8
MINUTE = 60.0


def test_without_a_reader_nothing_is_wanted() -> None:
    assert ReadersAway().wanted([], 0) is None


def test_the_furthest_behind_counts_whether_here_or_away() -> None:
    away = ReadersAway()
    away.left(70, 0)
    assert away.wanted([90, 80], 1) == 70
    assert away.wanted([50], 1) == 50


def test_a_reader_that_is_away_for_a_minute_is_waited_for_and_after_two_no_longer() -> None:
    away = ReadersAway()
    away.left(70, 1000)
    assert away.wanted([], 1000 + MINUTE) == 70
    assert away.wanted([], 1000 + 2 * MINUTE) is None


@pytest.mark.parametrize(("back_at", "wanted"), [(70, None), (75, None), (69, 70)])
def test_who_comes_back_is_no_longer_away_and_a_reader_from_further_behind_is_another(
    back_at: int, wanted: int | None
) -> None:
    away = ReadersAway()
    away.left(70, 0)
    away.came(back_at)
    assert away.wanted([], 1) == wanted


def test_of_several_the_nearest_is_the_one_who_came_back() -> None:
    away = ReadersAway()
    for place in (10, 70, 90):
        away.left(place, 0)
    away.came(80)
    away.came(95)
    assert away.wanted([], 1) == 10


def test_no_more_are_remembered_than_there_may_be_links() -> None:
    away = ReadersAway()
    for place in range(MAX_AWAY + 1):
        away.left(place, 0)
    assert away.wanted([], 1) == 1


def test_a_reader_has_surely_what_came_before_its_credit_and_never_less_than_it_asked_for() -> None:
    follower = Follower()
    assert follower.place(10) is None
    follower.follow(100)
    assert follower.place(10) == 100
    follower.follow(100, keep=30)
    assert follower.place(10) == 30
    follower.stop()
    assert follower.place(10) is None


def test_what_is_on_its_way_leaves_a_small_spool_room_to_go_on() -> None:
    assert on_its_way(64 * 1024 * 1024) == 4 * 1024 * 1024
    assert on_its_way(4 * 1024 * 1024) == 1024 * 1024


steps = st.lists(st.tuples(st.sampled_from(Stream), st.integers(1, 40), st.integers(0, 40)))


@given(steps)
def test_what_is_printed_only_where_there_is_room_is_never_lost_for_the_reader(
    printed: list[tuple[Stream, int, int]],
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        spool = Spool(Path(directory) / "spool", capacity=CAPACITY, segments=SEGMENTS)
        place, waited = 0, False
        pressure = BackPressure(spool, lambda: place)
        for stream, count, read in printed:
            if pressure.has_room(count):
                spool.append(stream, b"x" * count)
            else:
                waited = True
            assert spool.oldest <= place
            place = min(place + read, spool.end)
        assert waited or spool.end == sum(count for _, count, _ in printed)
        spool.close()


def test_a_reader_that_has_all_leaves_room_for_nearly_the_whole_spool(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool", capacity=CAPACITY, segments=SEGMENTS)
    pressure = BackPressure(spool, lambda: spool.end)
    for _ in range(10):
        assert pressure.has_room(CAPACITY - CAPACITY // SEGMENTS)
        assert not pressure.has_room(CAPACITY + 1)
        spool.append(Stream.STDOUT, b"x" * 30)
    spool.close()


def test_without_a_reader_there_is_room_for_everything(tmp_path: Path) -> None:
    spool = Spool(tmp_path, capacity=CAPACITY, segments=SEGMENTS)
    assert BackPressure(spool, lambda: None).has_room(10 * CAPACITY)
    assert not BackPressure(spool, lambda: 0).has_room(10 * CAPACITY)
