from mutation.mutants import mutants

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
