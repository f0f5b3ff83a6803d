"""Who is asked to end, and in which order. With processes: test_runner_control.py."""

import signal
from dataclasses import replace

import pytest

from ccx_runner import tree_end as module
from ccx_runner.process_tree import Stat, Tree, ticks
from ccx_runner.tree_end import TreeEnd

MAIN, ELSEWHERE = 50, 60
A_TOOL = Stat(pid=51, state="S", parent=MAIN, group=MAIN, threads=1, start_time=1)


class PlayedChild:
    pid = MAIN

    def __init__(self, done: list[str]) -> None:
        self._done = done

    def send_to_group(self, number: signal.Signals) -> None:
        self._done.append(f"{number.name} to the group")


def an_end(*below: Stat, monkeypatch: pytest.MonkeyPatch) -> tuple[TreeEnd, list[str]]:
    done = list[str]()

    def look(_: int) -> Tree:
        done.append("look")
        return Tree(below)

    def kill(pid: int, number: signal.Signals) -> None:
        done.append(f"{number.name} to {pid}")

    monkeypatch.setattr(module, "look", look)
    monkeypatch.setattr("os.kill", kill)
    return TreeEnd(PlayedChild(done), grace=1.0), done  # type: ignore[arg-type]


def test_the_group_is_asked_before_anybody_has_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    end, done = an_end(A_TOOL, monkeypatch=monkeypatch)
    end.order()
    assert done == ["SIGTERM to the group", "SIGCONT to the group", "look", "SIGCONT to 51"]


async def test_who_was_asked_with_the_group_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elsewhere = replace(A_TOOL, pid=52, group=ELSEWHERE)
    too_late = replace(A_TOOL, pid=53, start_time=ticks() + 100)
    end, done = an_end(A_TOOL, elsewhere, too_late, monkeypatch=monkeypatch)
    end.order()
    end.main_ended.set()
    done.clear()
    end._order_the_others()
    assert [what for what in done if "SIGTERM" in what] == ["SIGTERM to 52", "SIGTERM to 53"]
