"""What the kernel says of an execution's processes, from outside: the proof that control worked.

runner's pid -> states() of every process below it -> is_frozen(), runs(), is_gone()
"""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

WAIT_SECONDS = 180.0
FROZEN = ("T", "Z")


def states(runner: int) -> Iterator[str]:
    """Of every descendant, and none is read that is not asked for: parents first.

    One that waits in vfork (D) for a stopped child is stopped, too.
    """
    waiting = _children(runner)
    while waiting:
        pid = waiting.pop(0)
        children = _children(pid)
        if state := _state(pid):
            waiting += children
            yield "T" if state == "D" and "T" in map(_state, children) else state


def is_frozen(found: Iterator[str]) -> bool:
    return next(found, "") in FROZEN and all(state in FROZEN for state in found)


def runs(found: Iterator[str]) -> bool:
    return next(found, "T") != "T" and "T" not in found


def is_gone(found: Iterator[str]) -> bool:
    return next(found, None) is None


def parent(pid: int) -> int:
    return int(_stat(pid)[1])


def runner_of_pod(uid: str) -> int:
    """The first process of the agent's container: of this machine's kubelet."""
    for directory in Path("/proc").iterdir():
        if directory.name.isdecimal() and _is_runner(directory, uid):
            return int(directory.name)
    raise RuntimeError(f"pod {uid} has no runner on this machine: the rows look into its /proc")


def kill_seconds(runner: int) -> float:
    """The baseline: a new process stops the process group, as a `kubectl exec` of kill would."""
    (child,) = _children(runner)[:1]
    began = time.monotonic()
    subprocess.run(["sh", "-c", f"kill -s STOP -- -{child}"], check=True)
    while _state(child) != "T":
        if time.monotonic() > began + WAIT_SECONDS:
            raise TimeoutError("the process group does not stop")
    took = time.monotonic() - began
    subprocess.run(["sh", "-c", f"kill -s CONT -- -{child}"], check=True)
    return took


def _is_runner(process: Path, pod_uid: str) -> bool:
    try:
        if pod_uid not in (process / "cgroup").read_text(encoding="utf-8").replace("_", "-"):
            return False
        inside = (process / "status").read_text(encoding="utf-8").partition("NSpid:")[2]
        argv = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:  # it has ended meanwhile
        return False
    return inside.splitlines()[0].split()[-1] == "1" and b"run" in argv


def _state(pid: int) -> str:
    """Empty: it has gone."""
    stat = _stat(pid)
    return stat[0] if stat else ""


def _stat(pid: int) -> list[str]:
    """What stands behind the name: state, parent, ..."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    except OSError:
        return []
    return [int(word) for word in text.split()]
