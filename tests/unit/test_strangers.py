import os

import pytest

from ccx_runner import process_tree
from ccx_runner.strangers import KNOWN_SECONDS, Strangers


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_who_was_a_stranger_a_moment_ago_is_known_with_its_group() -> None:
    strangers = Strangers(clock=Clock())
    strangers.learn({7: 70, 8: 80})
    assert strangers.among([8, 9]) == {8: 80}


def test_nobody_is_known_for_longer_than_a_pid_is_surely_not_given_anew() -> None:
    strangers = Strangers(clock=(clock := Clock()))
    strangers.learn({7: 70})
    clock.now += KNOWN_SECONDS
    assert strangers.among([7]) == {}


def test_who_had_gone_in_between_is_not_known_any_more() -> None:
    strangers = Strangers(clock=Clock())
    strangers.learn({7: 70})
    strangers.learn(strangers.among([]))
    assert strangers.among([7]) == {}


def test_a_second_look_reads_none_of_the_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_tree, "_strangers", Strangers(clock=Clock()))
    read = list[str]()
    read_stat = process_tree.read_stat

    def noted(path: str) -> process_tree.Stat | None:
        read.append(path)
        return read_stat(path)

    monkeypatch.setattr(process_tree, "read_stat", noted)
    process_tree.look(os.getpid())
    parent = f"/proc/{os.getppid()}/stat"
    assert parent in read
    read.clear()
    process_tree.look(os.getpid())
    assert parent not in read


def test_in_a_container_everybody_is_read_in_every_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no strangers to speak of, and pids are few."""
    monkeypatch.setattr(process_tree, "_strangers", Strangers(clock=Clock()))
    monkeypatch.setattr(os, "getpid", lambda: 1)
    read = list[str]()
    monkeypatch.setattr(process_tree, "read_stat", read.append)
    process_tree.look(1)
    first = len(read)
    process_tree.look(1)
    assert len(read) >= 2 * first - 5  # somebody may have gone


def test_nobody_is_taken_for_a_stranger_whose_parent_went_while_we_looked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is ours, or will be: the next look reads whose child it has become."""
    monkeypatch.setattr(process_tree, "_strangers", Strangers(clock=Clock()))
    monkeypatch.setattr(process_tree, "_pids", lambda: [50, 51, 52])
    orphan = process_tree.Stat(52, "R", parent=51, group=52, threads=1, start_time=1)
    there = {"/proc/50/stat": process_tree.Stat(50, "S", 1, 50, 1, 1), "/proc/52/stat": orphan}
    monkeypatch.setattr(process_tree, "read_stat", there.get)
    assert process_tree.look(50).processes == ()
    there["/proc/52/stat"] = process_tree.Stat(
        52, "R", parent=50, group=52, threads=1, start_time=1
    )
    assert [found.pid for found in process_tree.look(50).processes] == [52]
