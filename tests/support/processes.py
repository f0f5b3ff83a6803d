"""What is true of processes, read from /proc without a line of the runner's code."""

from pathlib import Path


def stat_of(pid: int) -> tuple[str, int] | None:
    """(state, parent) of a process; None if it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, parent = stat.rpartition(")")[2].split()[:2]
    return state, int(parent)


def descendants(pid: int) -> dict[int, str]:
    """pid -> state of everything below a process."""
    seen = {
        int(entry.name): found
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and (found := stat_of(int(entry.name)))
    }
    below: dict[int, str] = {}
    layer = {pid}
    while layer:
        layer = {child for child, (_, parent) in seen.items() if parent in layer}
        below.update({child: seen[child][0] for child in layer})
    return below


def parent_of(pid: int) -> int | None:
    found = stat_of(pid)
    return found[1] if found else None


def exists(pid: int) -> bool:
    found = stat_of(pid)
    return found is not None and found[0] != "Z"
