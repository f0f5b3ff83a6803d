"""What a process has used, as the kernel counts it: not disturbed by what else runs."""

from pathlib import Path


def cpu_seconds(pid: int) -> float:
    """Of all its threads, in user and kernel mode; by nanoseconds, where stat counts in 10 ms."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def peak_mib(pid: int) -> float:
    """VmHWM: ru_maxrss would be inherited over exec from a fat parent."""
    return _status_kib(pid, "VmHWM") / 1024


def memory_kib(pid: int) -> int:
    """VmRSS: of now."""
    return _status_kib(pid, "VmRSS")


def _status_kib(pid: int, name: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1])
