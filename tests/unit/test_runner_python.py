"""The runner goes into other people's images: Python 3.10 and its standard library must do."""

import ast
import sys
from pathlib import Path

import pytest

SOURCES = sorted((Path(__file__).parents[2] / "operator/ccx_runner").glob("*.py"))


def imported(tree: ast.AST) -> set[str]:
    names = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_the_runner_is_python_3_10_with_its_standard_library_alone(source: Path) -> None:
    tree = ast.parse(source.read_text(encoding="utf-8"), feature_version=(3, 10))
    assert imported(tree) <= sys.stdlib_module_names | {"ccx_runner"}


def test_nothing_is_used_that_only_a_newer_standard_library_has() -> None:
    newer = {"timeout", "timeout_at", "TaskGroup", "Runner", "StrEnum", "Self", "UTC", "tomllib"}
    used = {
        f"{source.name}: {node.attr}"
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in {"asyncio", "enum", "typing", "datetime"}
        and node.attr in newer
    }
    names = {
        f"{source.name}: {alias.name}"
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module in {"asyncio", "enum", "typing"}
        for alias in node.names
        if alias.name in newer
    }
    assert used | names == set()
