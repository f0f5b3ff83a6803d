import pytest

from ccx_runner.process_tree import Stat, descendants, is_frozen, parse_stat


def a_stat(pid: int, parent: int, *, state: str = "S", threads: int = 1) -> Stat:
    return Stat(pid, state, parent, group=pid, threads=threads, start_time=0)


def a_line(name: str) -> bytes:
    fields = "T 7 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 10 3 0 9876 0 0"
    return f"42 ({name}) {fields}\n".encode()


@pytest.mark.parametrize("name", ["bash", "", "a b", "a) S 1 (b", "((", "))", "S 1 1 1"])
def test_the_name_of_a_process_may_be_anything(name: str) -> None:
    assert parse_stat(a_line(name)) == Stat(42, "T", 7, group=42, threads=3, start_time=9876)


@pytest.mark.parametrize("line", [b"", b"42", b"42 (bash", b"42 (bash) T 7", b"x (bash) T 7 42"])
def test_a_line_that_is_not_whole_is_no_process(line: bytes) -> None:
    assert parse_stat(line) is None


def test_descendants_are_those_below_the_root_parents_first() -> None:
    seen = [a_stat(2, 9), a_stat(9, 5), a_stat(5, 1), a_stat(6, 1), a_stat(7, 8), a_stat(1, 0)]
    assert [process.pid for process in descendants(seen, 1)] == [5, 6, 9, 2]


def test_a_circle_of_parents_which_a_pid_used_again_can_make_does_not_loop() -> None:
    seen = [a_stat(2, 3), a_stat(3, 2), a_stat(5, 1), a_stat(1, 5)]
    assert [process.pid for process in descendants(seen, 1)] == [5, 1]


@pytest.mark.parametrize(
    ("states", "has_stopped_child", "frozen"),
    [
        ("T", False, True),
        ("t", False, True),
        ("TTZ", False, True),
        ("TS", False, False),
        ("R", True, False),
        ("D", False, False),
        ("D", True, True),
        ("DT", True, True),
        ("", False, True),
    ],
)
def test_a_process_is_frozen_when_no_thread_of_it_can_run_on(
    states: str, has_stopped_child: bool, frozen: bool
) -> None:
    assert is_frozen(states, has_stopped_child=has_stopped_child) is frozen


def test_a_leader_that_ended_before_its_other_threads_has_not_gone() -> None:
    assert a_stat(2, 1, state="Z").has_gone
    assert not a_stat(2, 1, state="Z", threads=2).has_gone
