import importlib.util
from pathlib import Path

from mutation.mutants import mutants
from mutation.what import MODULES

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
