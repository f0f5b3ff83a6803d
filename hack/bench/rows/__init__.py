"""The groups of rows: every module here is one, and has `rows(bench) -> Iterator[Row]`."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator

from bench.harness import Bench
from bench.row import Row

Rows = Callable[[Bench], Iterator[Row]]


def groups() -> tuple[str, ...]:
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def rows_of(group: str) -> Rows:
    found: Rows = importlib.import_module(f"{__name__}.{group}").rows
    return found
