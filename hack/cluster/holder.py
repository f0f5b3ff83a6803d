"""The process that holds the cluster's namespaces: PID 1 of everything that runs in it.

start() -> unshare -> supervisor.py     enter() -> argv that runs inside     kill() -> all is gone

Its end ends every process of the cluster, and with them go its mounts and its network.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from cluster.errors import ClusterError
from cluster.places import HOLDER, Places

START_SECONDS: Final = 10.0
END_SECONDS: Final = 30.0
_HACK: Final = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Holder:
    pid: int
    """Of the supervisor, as the machine counts."""

    began: int
    """In ticks since boot: a pid alone may be somebody else's by now."""

    state: str
    """The folder of its cluster."""

    @classmethod
    def find(cls, places: Places) -> Self | None:
        """The one that runs, if one does; it must be of this checkout."""
        try:
            holder = cls(**json.loads(HOLDER.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        if not holder.is_alive:
            return None
        if holder.state != str(places.state):
            raise ClusterError(f"another cluster is up, that of {holder.state}: end it there first")
        return holder

    @classmethod
    def start(cls, places: Places) -> Self:
        places.logs.mkdir(parents=True, exist_ok=True)
        words = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--net", "--mount-proc"]
        words += ["--propagation", "private", sys.executable, "-m", "cluster.supervisor"]
        with (places.logs / "supervisor.log").open("wb") as log:
            outer = subprocess.Popen(
                [*words, str(places.state.parents[1])],
                cwd=_HACK,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        pid = _child_of(outer, places)
        holder = cls(pid, _began(pid) or 0, str(places.state))
        HOLDER.write_text(json.dumps(asdict(holder)), encoding="utf-8")
        return holder

    @property
    def is_alive(self) -> bool:
        return _began(self.pid) == self.began

    def enter(self, *argv: str) -> list[str]:
        """The command that runs `argv` among the cluster's processes."""
        return ["nsenter", "--target", str(self.pid), "--pid", "--mount", "--net", "--", *argv]

    def kill(self) -> None:
        subprocess.run(["kill", "-KILL", str(self.pid)], check=False, capture_output=True)
        until = time.monotonic() + END_SECONDS
        while self.is_alive:
            if time.monotonic() > until:
                raise ClusterError(f"the cluster's processes do not end: see pid {self.pid}")
            time.sleep(0.05)


def _child_of(outer: "subprocess.Popen[bytes]", places: Places) -> int:
    children = Path(f"/proc/{outer.pid}/task/{outer.pid}/children")
    until = time.monotonic() + START_SECONDS
    while outer.poll() is None and time.monotonic() < until:
        if found := children.read_text(encoding="ascii").split():
            return int(found[0])
        time.sleep(0.01)
    raise ClusterError(f"the namespaces could not be made: see {places.logs / 'supervisor.log'}")


def _began(pid: int) -> int | None:
    """None: it does not run. A zombie does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, *rest = stat.rpartition(")")[2].split()
    return None if state in "ZX" else int(rest[18])
