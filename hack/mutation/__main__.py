"""`make mutation`: take each rung of each decision away; the quick tests must notice.

mutants -> a fork each of a pytest that has collected its tests -> those that nobody noticed
"""

import argparse
import importlib
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType

import pytest

from mutation.mutants import Mutant, mutants
from mutation.what import FOR_THE_TYPE_CHECKER, MODULES, NO_DECISIONS

ROOT = Path(__file__).parents[2]
OPTIONS = ("-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "--tb=no")
HANGS_SECONDS = 60
"""A mutant that takes so long has been noticed."""


@dataclass(frozen=True, slots=True)
class Case:
    mutant: Mutant
    function: FunctionType
    tests: frozenset[str]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    short = [name.partition(".")[2] for name in MODULES]
    parser.add_argument("modules", nargs="*", help=f"of {', '.join(short)}; or all")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if unknown := sorted(set(options.modules) - set(short)):
        parser.error(f"no such module: {', '.join(unknown)}")
    os.chdir(ROOT)
    wanted = [n for n in MODULES if not options.modules or n.partition(".")[2] in options.modules]
    began, run = time.monotonic(), Run(list(_cases(wanted)), options.processes)
    tests = sorted({test for name in wanted for test in MODULES[name]})
    code = pytest.main([*OPTIONS, *(f"tests/unit/{name}.py" for name in tests)], plugins=[run])
    if code != 0:
        sys.exit(f"mutation: pytest says {code}")
    _tell(run, len(wanted), time.monotonic() - began)


def _cases(modules: Iterable[str]) -> Iterator[Case]:
    for name in modules:
        module = importlib.import_module(name)
        path = Path(str(module.__file__))
        for mutant in mutants(path.read_text(encoding="utf-8"), path.name):
            if f"{mutant.file} {mutant.function.partition('.')[0]}" in NO_DECISIONS:
                continue
            function = _function(module, mutant.function)
            assert function.__code__.co_freevars == mutant.code.co_freevars, mutant
            yield Case(mutant, function, frozenset(MODULES[name]))


def _function(module: object, name: str) -> FunctionType:
    found = module
    for part in name.split("."):
        found = vars(found)[part]
    for inner in ("fget", "__func__", "__wrapped__"):  # a property, a class's, a context manager
        found = getattr(found, inner, found)
    assert isinstance(found, FunctionType), name
    return found


def _tell(run: "Run", files: int, seconds: float) -> None:
    unneeded = sorted(run.survivors, key=lambda mutant: (mutant.file, mutant.line))
    survivors = [mutant for mutant in unneeded if mutant.name not in FOR_THE_TYPE_CHECKER]
    for mutant in survivors:
        print(f"nobody notices {mutant}")
    stale = _stale(run)
    for name in stale:
        print(f"no rung is called {name!r} any more: take it out of FOR_THE_TYPE_CHECKER")
    for name, count in Counter(mutant.file for mutant in survivors).items():
        print(f"{name}: {count}")
    print(
        f"{len(run.cases)} rungs of {files} modules, {len(survivors)} that no test needs, "
        f"{len(unneeded) - len(survivors)} only for the type checker, "
        f"{len(run.hung)} noticed by a hang, {seconds:.0f} s"
    )
    sys.exit(1 if survivors or stale else 0)


def _stale(run: "Run") -> list[str]:
    """What stands for nothing any more would one day hide another."""
    files, names = {c.mutant.file for c in run.cases}, {c.mutant.name for c in run.cases}
    of_these = {name for name in FOR_THE_TYPE_CHECKER if name.partition(" ")[0] in files}
    return sorted(of_these - names)


@dataclass(slots=True)
class Run:
    """A plugin of pytest: the tests are collected once, and run in a fork for every mutant."""

    cases: Sequence[Case]
    processes: int
    survivors: list[Mutant] = field(default_factory=list)
    hung: list[Mutant] = field(default_factory=list)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if os.waitpid(_fork(session, None), 0)[1] != 0:
            pytest.exit("the tests fail as it is", 1)
        waiting, running = list(reversed(self.cases)), dict[int, Mutant]()
        while waiting or running:
            while waiting and len(running) < self.processes:
                case = waiting.pop()
                running[_fork(session, case)] = case.mutant
            pid, status = os.wait()
            mutant = running.pop(pid)
            if status == 0:
                self.survivors.append(mutant)
            elif os.WIFSIGNALED(status):
                self.hung.append(mutant)
        return True


def _fork(session: pytest.Session, case: Case | None) -> int:
    if pid := os.fork():
        return pid
    if case is not None:
        signal.alarm(HANGS_SECONDS)
        case.function.__code__ = case.mutant.code
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silence, stream)
    try:
        items = [i for i in session.items if case is None or i.path.stem in case.tests]
        for item, following in zip(items, [*items[1:], None], strict=True):
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                os._exit(1)
        os._exit(0)
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
