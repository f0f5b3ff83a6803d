import importlib.util
from pathlib import Path

from mutation.mutants import mutants
from mutation.what import FOR_THE_TYPE_CHECKER, MODULES

SOURCE = """
def decide(a, b):
    if a:
        return 1
    if b is None or b < 0 or a:
        return 2
    return 3 if b else 4
"""


def test_every_rung_is_taken_away_once() -> None:
    found = [str(mutant) for mutant in mutants(SOURCE, "f.py")]
    assert found == [
        "line 3 of f.py decide: without `if a`",
        "line 5 of f.py decide: without `if b is None or b < 0 or a`",
        "line 5 of f.py decide: without `or b is None`",
        "line 5 of f.py decide: without `or b < 0`",
        "line 5 of f.py decide: without `or a`",
        "line 7 of f.py decide: without the choice `3`",
        "line 7 of f.py decide: without the choice `4`",
    ]


def test_what_is_left_is_the_code_without_it() -> None:
    def decide(a: int, b: int | None) -> int:
        raise NotImplementedError

    answers = []
    for mutant in mutants(SOURCE, "f.py"):
        decide.__code__ = mutant.code
        answers.append([decide(1, 1), decide(0, -1), decide(0, 1), decide(0, 0)])
    assert answers == [
        [2, 2, 3, 4],
        [1, 3, 3, 4],
        [1, 2, 3, 4],
        [1, 3, 3, 4],
        [1, 2, 3, 4],
        [1, 2, 4, 4],
        [1, 2, 3, 3],
    ]


METHODS = """
class A:
    async def one(self, a):
        return [b for b in a if b if b > 1]

    @property
    def other(self):
        match self.x:
            case int() if self.x > 1:
                return 1
"""


def test_methods_have_rungs_filters_and_guards_are_rungs() -> None:
    assert [mutant.name for mutant in mutants(METHODS, "f.py")] == [
        "f.py A.one: without `for if b`",
        "f.py A.one: without `for if b > 1`",
        "f.py A.other: without `case int()`",
        "f.py A.other: without `case if self.x > 1`",
    ]


def test_every_module_and_test_that_is_named_is_there() -> None:
    for module, tests in MODULES.items():
        assert importlib.util.find_spec(module), module
        for test in tests:
            assert (Path(__file__).parent / f"{test}.py").is_file(), test


def test_every_exception_is_of_a_rung_that_there_is() -> None:
    """One that stands for nothing any more would hide another."""
    names = set()
    for name in MODULES:
        path = Path(str(importlib.import_module(name).__file__))
        names |= {m.name for m in mutants(path.read_text(encoding="utf-8"), path.name)}
    assert set(FOR_THE_TYPE_CHECKER) - names == set()
