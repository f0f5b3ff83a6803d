"""Stop and continue every process below one pid, with a proof read back from /proc.

signal the main group -> look -> signal what is not yet as wanted -> let the event loop run
    -> look again ... -> Proof

The main process's group is most of the tree, mostly: it need not wait for a look.

A round is one uninterrupted step of a few milliseconds. Both are idempotent. `wanted` is asked
before every round: a newer wish ends the work at once, and no signal follows after it.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ccx_runner.process_tree import GONE, Stat, Tree, look

MAX_ROUNDS = 500
MAX_SECONDS = 10.0
LONGEST_PAUSE = 0.01
"""Seconds between two rounds; the first ones follow each other faster."""

QUICK_ROUNDS = 4
"""That follow each other at once: most trees have stopped by then, and a sleep takes 1 ms."""

LOOKS_AMONG_STRANGERS = 50
"""From then on a look that missed somebody counts, where the runner is not PID 1."""

ToGroup = Callable[[signal.Signals], None]
"""To the group of the main process, while that is its own."""

Step = Callable[[Tree], bool]
"""Send what is due after a look, and say whether that look was the proof."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the last look showed."""

    processes_stopped: int
    rounds: int
    millis: float
    proven: bool


async def freeze(root: int, *, to_group: ToGroup, wanted: Callable[[], bool]) -> Proof:
    """Stop every process below `root`, whole groups first, then parents before their children.

    Proven when two looks in a row show every one of them stopped, and the second none that is
    new. A zombie is new too: a process that forks and ends faster than we look leaves those.
    A look from which somebody vanished proves nothing.
    """
    quiet: frozenset[tuple[int, int]] | None = None
    looks = 0

    def step(tree: Tree) -> bool:
        nonlocal quiet, looks
        looks += 1
        is_quiet = not tree.running and (tree.complete or _others_come_and_go(looks))
        before, quiet = quiet, tree.identities if is_quiet else None
        send_to_groups(tree, signal.SIGSTOP)
        send_to_all(tree.to_stop, signal.SIGSTOP)
        return before is not None and quiet is not None and quiet <= before

    if wanted():
        to_group(signal.SIGSTOP)
    return await _repeat(root, step, wanted)


def _others_come_and_go(looks: int) -> bool:
    """Outside a container /proc shows strangers too, who may never stand still."""
    return os.getpid() != 1 and looks > LOOKS_AMONG_STRANGERS


async def thaw(root: int, *, to_group: ToGroup, wanted: Callable[[], bool]) -> Proof:
    """Continue every process below `root`.

    Proven when a look shows none stopped that has not been continued: one that stops itself
    again does so of its own will. The first round is for all, as a stop may still be pending.
    """
    continued = set[tuple[int, int]]()

    def step(tree: Tree) -> bool:
        due = [p for p in tree.alive if not continued or p.state == "T" or p.state in GONE]
        due = [p for p in due if p.identity not in continued]
        send_to_all(due, signal.SIGCONT)
        continued.update(process.identity for process in due)
        return not due

    if wanted():
        to_group(signal.SIGCONT)
    return await _repeat(root, step, wanted)


def send_to_all(processes: Iterable[Stat], number: signal.Signals) -> None:
    for process in processes:
        try:
            os.kill(process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass  # gone, or another uid's: the next look tells


def send_to_groups(tree: Tree, number: signal.Signals) -> None:
    """To the groups of those that run, or that have just gone and may have left somebody."""
    moving = {process.group for process in tree.processes if process.has_gone}
    moving.update(process.group for process in tree.running)
    for group in moving & tree.groups:
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):
            pass  # as above


async def _repeat(root: int, step: Step, wanted: Callable[[], bool]) -> Proof:
    began, rounds, proven, tree = time.monotonic(), 0, False, Tree()
    while wanted() and rounds < MAX_ROUNDS and time.monotonic() - began < MAX_SECONDS:
        rounds += 1
        tree = look(root)
        if proven := step(tree):
            break
        hurry = rounds < QUICK_ROUNDS
        await asyncio.sleep(0 if hurry else min(0.0005 * rounds, LONGEST_PAUSE))
    stopped = len(tree.alive) - len(tree.running)
    return Proof(stopped, rounds, round((time.monotonic() - began) * 1000, 1), proven)
