"""The table, the cases and the recorded answers belong together, one to one."""

import ast
import importlib
from collections import Counter
from pathlib import Path

import pytest

from conformance.case import ANSWERS
from conformance.requirement import Requirement, requirements

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def cases() -> list[str]:
    """The ids of all cases, as written above their tests."""
    return [
        str(ast.literal_eval(decorator.args[0]))
        for path in sorted(HERE.glob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.AsyncFunctionDef)
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "case"
    ]


def test_every_requirement_has_exactly_one_case_and_one_row() -> None:
    assert Counter(cases()) == Counter(one.id for one in requirements())
    assert max(Counter(cases()).values()) == 1


def test_every_case_has_an_answer_of_a_real_server_and_every_answer_a_case() -> None:
    assert sorted(path.stem for path in ANSWERS.glob("*.json")) == sorted(cases())


@pytest.mark.parametrize("one", requirements(), ids=lambda one: one.id)
def test_what_is_required_is_used(one: Requirement) -> None:
    assert one.says
    assert one.source
    assert one.relied_on_by
    for user in one.relied_on_by:
        if "#" in user:
            path, _, text = user.partition("#")
            assert text in (ROOT / path).read_text(encoding="utf-8"), user
        else:
            module, _, symbol = user.partition(":")
            whole: object = importlib.import_module(module)
            for name in symbol.split("."):
                whole = _part(whole, name)


def _part(whole: object, name: str) -> object:
    """An attribute, or a field of a model."""
    fields = getattr(whole, "model_fields", {})
    return fields[name] if name in fields else getattr(whole, name)
