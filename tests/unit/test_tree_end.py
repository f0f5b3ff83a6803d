"""Who is asked to end, and in which order. With processes: test_runner_control.py."""

import asyncio
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


ASKED = ["SIGTERM to the group", "SIGCONT to the group"]


async def test_the_group_is_asked_before_anybody_has_looked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end, done = an_end(A_TOOL, monkeypatch=monkeypatch)
    end.order()
    assert done == ASKED
    finishing = asyncio.create_task(end.finish())
    await end.asked.wait()
    assert done == [*ASKED, "look", "SIGCONT to 51"]
    end.nobody_left.set()
    end.main_ended.set()
    assert await finishing


async def test_where_the_group_was_all_nobody_is_looked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    end, done = an_end(A_TOOL, monkeypatch=monkeypatch)
    end.order()
    end.main_ended.set()
    end.nobody_left.set()
    assert await end.finish()
    assert done == ASKED
    assert end.asked.is_set()


async def test_who_was_asked_with_the_group_is_not_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    elsewhere = replace(A_TOOL, pid=52, group=ELSEWHERE)
    too_late = replace(A_TOOL, pid=53, start_time=ticks() + 100)
    end, done = an_end(A_TOOL, elsewhere, too_late, monkeypatch=monkeypatch)
    end.order()
    end.main_ended.set()
    finishing = asyncio.create_task(end.finish())
    await end.asked.wait()
    end.nobody_left.set()
    await finishing
    assert [what for what in done if what.startswith("SIGTERM to 5")] == [
        "SIGTERM to 52",
        "SIGTERM to 53",
    ]
