"""What /proc says of the processes below one pid: who they are, and whether each stands still.

/proc/*/stat -> parse_stat() -> descendants(), parents first -> is_frozen()

The parser and the rule are pure; `look()` does all the reading.
A process may vanish between any two reads: what cannot be read has gone.
"""

import os
import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from ccx_runner.strangers import Strangers

MAX_STAT = 4096
"""Bytes of one stat line: 52 numbers and a name of at most 64 bytes."""

STOPPED = frozenset("Tt")
GONE = frozenset("ZXx")

_strangers = Strangers()


class UnreadableTreeError(Exception):
    """/proc itself cannot be read, for example for want of file descriptors."""


@dataclass(frozen=True, slots=True)
class Stat:
    """The few fields of /proc/PID/stat that decisions rest on."""

    pid: int
    state: str
    parent: int
    group: int
    threads: int
    start_time: int
    """Clock ticks since boot: with the pid, it names a process for ever."""

    @property
    def identity(self) -> tuple[int, int]:
        return self.pid, self.start_time

    @property
    def has_gone(self) -> bool:
        """Nothing of it runs. A leader that has ended before its other threads is a Z as well."""
        return self.state in GONE and self.threads <= 1


def ticks() -> int:
    """Now, as `Stat.start_time` counts."""
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def parse_stat(line: bytes) -> Stat | None:
    """None if it is not whole. The name in parentheses may hold spaces and parentheses."""
    head, _, tail = line.rpartition(b")")
    pid, fields = head.partition(b" ")[0], tail.split()
    if len(fields) < 20 or not pid.isdigit():
        return None
    state, parent, group = fields[0].decode("ascii", "replace"), int(fields[1]), int(fields[2])
    return Stat(int(pid), state, parent, group, int(fields[17]), int(fields[19]))


def descendants(processes: Iterable[Stat], root: int) -> list[Stat]:
    """All processes below `root`, parents before their children, `root` itself left out."""
    children = defaultdict[int, list[Stat]](list)
    for process in processes:
        children[process.parent].append(process)
    found, generation = list[Stat](), children.pop(root, [])
    while generation:
        found += generation
        generation = [c for parent in generation for c in children.pop(parent.pid, [])]
    return found


def is_frozen(thread_states: Collection[str], *, has_stopped_child: bool) -> bool:
    """Whether no thread of a process can run on.

    D counts only with a stopped child: that is a parent inside vfork, which the kernel keeps
    in D until its child calls exec, and which has the SIGSTOP pending.
    """
    still = STOPPED | GONE | {"D"} if has_stopped_child else STOPPED | GONE
    return all(state in still for state in thread_states)


@dataclass(frozen=True, slots=True)
class Tree:
    """One look at the processes below the root, parents first."""

    processes: tuple[Stat, ...] = ()
    running: tuple[Stat, ...] = ()
    """Those that are neither frozen nor gone."""

    groups: frozenset[int] = frozenset()
    """Process groups that nobody else is in: a signal to such a group misses no member of it,
    not even one that is being born, or that forks and ends faster than we look."""

    complete: bool = True
    """No process that was listed had gone before it was read: one that hops from fork to exit
    and leaves no zombie behind is seen by no look, but makes every look incomplete."""

    @property
    def alive(self) -> list[Stat]:
        return [process for process in self.processes if not process.has_gone]

    @property
    def to_stop(self) -> list[Stat]:
        """Also those that count as frozen in D: only a stop that is pending keeps them so."""
        running = {process.pid for process in self.running}
        return [p for p in self.alive if p.pid in running or p.state not in STOPPED]

    @property
    def identities(self) -> frozenset[tuple[int, int]]:
        """Zombies too: one that is new tells of a parent that was seen by no scan."""
        return frozenset(process.identity for process in self.processes)


def look(root: int) -> Tree:
    """Read the tree below `root` once, every thread of it."""
    pids = _pids()
    strangers = {} if os.getpid() == 1 else _strangers.among(pids)
    listed = [read_stat(f"/proc/{pid}/stat") for pid in pids if pid not in strangers]
    everybody = [stat for stat in listed if stat]
    processes = descendants(everybody, root)
    ours = {process.pid for process in processes}
    strangers.update((stat.pid, stat.group) for stat in everybody if stat.pid not in ours)
    complete = len(everybody) == len(listed)
    if complete:  # else somebody of ours may be among them, whose parent has just gone
        _strangers.learn(strangers)
    groups = {process.group for process in processes} - set(strangers.values())
    parents_of_stopped = {p.parent for p in processes if p.state in STOPPED}
    running = (
        process
        for process in processes
        if not process.has_gone
        and not is_frozen(
            _thread_states(process), has_stopped_child=process.pid in parents_of_stopped
        )
    )
    return Tree(tuple(processes), tuple(running), frozenset(groups), complete)


def _pids() -> list[int]:
    """Of every process of this pid namespace."""
    try:
        names = os.listdir("/proc")  # noqa: PTH208 - a Path costs as much as the reading
    except OSError as exc:
        raise UnreadableTreeError(f"cannot list /proc: {exc.strerror}") from exc
    return [int(name) for name in names if name.isdigit()]


def read_stat(path: str) -> Stat | None:
    """None when it has gone."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return None
    except OSError as exc:
        raise UnreadableTreeError(f"cannot open {path}: {exc.strerror}") from exc
    try:
        return parse_stat(os.read(fd, MAX_STAT))
    except ProcessLookupError:
        return None
    finally:
        os.close(fd)


def _thread_states(process: Stat) -> list[str]:
    if process.threads <= 1:
        return [process.state]
    task = f"/proc/{process.pid}/task"
    try:
        threads = os.listdir(task)  # noqa: PTH208
    except (FileNotFoundError, ProcessLookupError):
        return []
    except OSError as exc:
        raise UnreadableTreeError(f"cannot list {task}: {exc.strerror}") from exc
    stats = (read_stat(f"{task}/{thread}/stat") for thread in threads)
    return [stat.state for stat in stats if stat]
