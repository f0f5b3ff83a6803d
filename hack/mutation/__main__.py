"""`make mutation`: take each rung of the operator's decisions away; the quick tests must notice.

mutants -> a fork each of a pytest that has collected its tests -> those that nobody noticed
"""

import argparse
import importlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from mutation.mutants import Mutant, mutants

ROOT = Path(__file__).parents[2]
MODULES = (
    "reconcile",
    "start",
    "given_up",
    "attempts",
    "restored",
    "frozen",
    "settled",
    "alive",
    "stopping",
    "asking",
    "finish",
    "verdict",
    "session_end",
    "wanted",
)
TESTS = (
    "test_phase_table",
    "test_reconcile",
    "test_rungs",
    "test_messages",
    "test_next_attempt",
    "test_settled",
    "test_attempts",
    "test_frozen",
    "test_stalled",
    "test_expiring",
    "test_controller",
)
FOR_THE_TYPE_CHECKER = {
    "alive.py _began_in_time: without `and began is not None`": "a pod that runs has a time",
    "given_up.py _patience: without `or pod.gone_by is None`": "a pod that goes has a time",
    "asking.py _boot_look: without `or looked.at`": "a pod that runs has a time",
}
"""Rungs that nothing can step on, and why."""

OPTIONS = ("-q", "-s", "-p", "no:cacheprovider", "-p", "no:xdist", "--no-header", "--tb=no")
HANGS_SECONDS = 60
"""A mutant that takes so long has been noticed."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", help=f"of {', '.join(MODULES)}; or all")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    os.chdir(ROOT)
    found = list(_all(options.modules or MODULES))
    began, run = time.monotonic(), Run(found, options.processes)
    code = pytest.main([*OPTIONS, *(f"tests/unit/{name}.py" for name in TESTS)], plugins=[run])
    if code != 0:
        sys.exit(f"mutation: pytest says {code}")
    unneeded = sorted(run.survivors, key=lambda mutant: (mutant.file, mutant.line))
    survivors = [mutant for mutant in unneeded if mutant.name not in FOR_THE_TYPE_CHECKER]
    for mutant in survivors:
        print(f"nobody notices {mutant}")
    seconds = time.monotonic() - began
    rest = len(unneeded) - len(survivors)
    for_types = f"{rest} only for the type checker"
    print(f"{len(found)} rungs, {len(survivors)} that no test needs, {for_types}, {seconds:.0f} s")
    sys.exit(1 if survivors else 0)


def _all(modules: Sequence[str]) -> Iterator[Mutant]:
    for name in modules:
        module = importlib.import_module(f"ccx_operator.{name}")
        path = Path(str(module.__file__))
        yield from mutants(path.read_text(encoding="utf-8"), path.name)


class Run:
    """A plugin of pytest: the tests are collected once, and run in a fork for every mutant."""

    def __init__(self, found: Sequence[Mutant], processes: int) -> None:
        self._found, self._processes = found, processes
        self.survivors: list[Mutant] = []

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if os.waitpid(_fork(session, None), 0)[1] != 0:
            pytest.exit("the tests fail as it is", 1)
        waiting, running = list(reversed(self._found)), dict[int, Mutant]()
        while waiting or running:
            while waiting and len(running) < self._processes:
                mutant = waiting.pop()
                running[_fork(session, mutant)] = mutant
            pid, status = os.wait()
            mutant = running.pop(pid)
            if status == 0:
                self.survivors.append(mutant)
        return True


def _fork(session: pytest.Session, mutant: Mutant | None) -> int:
    if pid := os.fork():
        return pid
    signal.alarm(HANGS_SECONDS)
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silence, stream)
    try:
        if mutant is not None:
            module = importlib.import_module(f"ccx_operator.{mutant.file.removesuffix('.py')}")
            getattr(module, mutant.function).__code__ = mutant.code
        for item, following in zip(session.items, [*session.items[1:], None], strict=True):
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if session.testsfailed:
                os._exit(1)
        os._exit(0)
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
