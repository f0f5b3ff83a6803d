"""What a freeze does before it has looked. All else, with processes: test_runner_freeze.py."""

import signal
from collections.abc import Callable

import pytest

from ccx_runner import freeze as module
from ccx_runner.freeze import freeze, thaw
from ccx_runner.process_tree import Tree

Done = list[str]


@pytest.fixture(name="done")
def _done(monkeypatch: pytest.MonkeyPatch) -> Done:
    done: Done = []

    def look(_: int) -> Tree:
        done.append("look")
        return Tree()

    monkeypatch.setattr(module, "look", look)
    return done


def noting(done: Done) -> Callable[[signal.Signals], None]:
    return lambda number: done.append(number.name)


async def test_the_main_group_is_stopped_before_anybody_has_looked(done: Done) -> None:
    assert (await freeze(1, to_group=noting(done), wanted=lambda: True)).proven
    assert done == ["SIGSTOP", "look", "look"]


async def test_the_main_group_is_continued_before_anybody_has_looked(done: Done) -> None:
    assert (await thaw(1, to_group=noting(done), wanted=lambda: True)).proven
    assert done == ["SIGCONT", "look"]


@pytest.mark.parametrize("action", [freeze, thaw])
async def test_what_is_not_wanted_any_more_is_not_begun(action: object, done: Done) -> None:
    apply = freeze if action is freeze else thaw
    assert not (await apply(1, to_group=noting(done), wanted=lambda: False)).proven
    assert done == []
