"""PID 1 of the cluster's namespaces: makes them fit to live in, and keeps every component running.

mounts -> network -> start all -> wait for whoever ends -> start it again

It knows no order of starting: components wait for each other, or end and are started again.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

from cluster.components import Component, components
from cluster.network import set_up_node
from cluster.places import Places

AGAIN_SECONDS: Final = 0.5
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND


def set_up_mounts(state: Path) -> None:
    """Programs with fixed paths have these for themselves; nobody else sees them.

    Shared inside, so that what the kubelet mounts is there for containerd too.
    """
    subprocess.run(["mount", "--make-rshared", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "ccx-run", "/run"], check=True)
    for name in ("lib", "log"):
        ours = state / "var" / name
        ours.mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "--bind", str(ours), f"/var/{name}"], check=True)


class Supervisor:
    def __init__(self, places: Places) -> None:
        self._places = places
        self._running: dict[int, Component] = {}

    def run(self) -> None:
        for component in components(self._places):
            self._start(component)
        while True:
            pid, _ = os.waitpid(-1, 0)  # orphans of containers come to us too
            if pid in self._running:
                component = self._running.pop(pid)
                time.sleep(AGAIN_SECONDS)
                self._start(component)

    def _start(self, component: Component) -> None:
        log = str(self._places.logs / f"{component.name}.log")
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, _WRITE, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        pid = os.posix_spawnp(
            component.argv[0], component.argv, os.environ, file_actions=actions, setsid=True
        )
        self._running[pid] = component
        pids = {c.name: p for p, c in self._running.items()}
        unfinished = self._places.components.with_suffix(".new")
        unfinished.write_text(json.dumps(pids), encoding="utf-8")
        unfinished.replace(self._places.components)


def main(checkout: Path) -> None:
    places = Places.of(checkout)
    set_up_mounts(places.state)
    set_up_node()
    Supervisor(places).run()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
