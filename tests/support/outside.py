"""How an execution's processes look from outside of the runner: an own reader of /proc.

It knows them by a mark in their environment, not by parentage, and reads status files, not stat.
"""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Seen:
    """One process, at one moment."""

    pid: int
    parent: int
    states: tuple[str, ...]
    """Of its threads."""

    cpu_ticks: int
    started: int
    """Ticks after the boot: a pid may be given to another one, seconds later on a busy machine."""


def marked(mark: str) -> list[Seen]:
    """All processes with that text in their environment; zombies have none and are left out."""
    found = [see(int(e.name)) for e in Path("/proc").iterdir() if _has_mark(e, mark.encode())]
    return [process for process in found if process is not None]


def pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def see(pid: int) -> Seen | None:
    """None when it has gone."""
    try:
        status = _status(Path(f"/proc/{pid}/status"))
        threads = tuple(
            _status(task / "status")["State"][0] for task in Path(f"/proc/{pid}/task").iterdir()
        )
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (OSError, KeyError):
        return None
    ticks = sum(map(int, fields[11:13]))
    return Seen(pid, int(status["PPid"]), threads, ticks, started=int(fields[19]))


def is_alive(pid: int) -> bool:
    found = see(pid)
    return found is not None and set(found.states) != {"Z"}


def below(pid: int) -> list[Seen]:
    """Everything below a process, zombies too."""
    processes = [process for process in map(see, pids()) if process is not None]
    found, parents = list[Seen](), {pid}
    while parents:
        layer = [process for process in processes if process.parent in parents]
        found += layer
        parents = {process.pid for process in layer}
    return found


def living(processes: list[Seen]) -> list[Seen]:
    """Without the zombies: one whose parent is stopped before it stays so."""
    return [process for process in processes if set(process.states) != {"Z"}]


def running(processes: list[Seen]) -> list[Seen]:
    """Those that are not stopped. Inside vfork a parent hangs in D until its child goes on."""
    with_stopped_child = {p.parent for p in processes if set(p.states) <= set("Tt")}
    still = {
        p.pid: set("TtZX") | ({"D"} if p.pid in with_stopped_child else set()) for p in processes
    }
    return [p for p in processes if not set(p.states) <= still[p.pid]]


def _has_mark(entry: Path, mark: bytes) -> bool:
    if not entry.name.isdigit() or int(entry.name) == os.getpid():
        return False
    try:
        return mark in (entry / "environ").read_bytes()
    except OSError:
        return False


def _status(path: Path) -> dict[str, str]:
    lines = path.read_text(errors="replace").splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
