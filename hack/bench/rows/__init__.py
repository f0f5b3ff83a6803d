"""The groups of rows: every module here is one, with `rows(bench)` and the IDS of its rows.

What is measured together is one group: an id of it measures it whole.
"""

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterator
from types import ModuleType

from bench.harness import Bench
from bench.row import Row

Rows = Callable[[Bench], Iterator[Row]]


def groups() -> tuple[str, ...]:
    return tuple(sorted((found.name for found in pkgutil.iter_modules(__path__)), key=ids_of))


def rows_of(group: str) -> Rows:
    found: Rows = _module(group).rows
    return found


def ids_of(group: str) -> tuple[str, ...]:
    found: tuple[str, ...] = _module(group).IDS
    return found


def chosen(words: Collection[str]) -> dict[str, Collection[str]]:
    """The ids that are wanted of each group; `words` are ids and groups, none is all."""
    found: dict[str, Collection[str]] = {}
    for group in groups():
        ids = ids_of(group)
        wanted = ids if not words or group in words else [i for i in ids if i in words]
        if wanted:
            found[group] = wanted
    return found


def _module(group: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{group}")
