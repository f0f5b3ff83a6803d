"""The components of a running cluster, seen from outside."""

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Final

from cluster import health
from cluster.components import components
from cluster.errors import ClusterError
from cluster.holder import Holder
from cluster.places import NODE, Places

RESTART_SECONDS: Final = 30.0


def rows(holder: Holder, places: Places) -> Iterator[tuple[str, str]]:
    """Name and state, in the order of starting."""
    yield "cluster", f"up (pid {holder.pid})"
    for component in components(places):
        yield component.name, f"running (pid {pid_of(places, component.name)} of its own)"
    yield NODE, "Ready" if health.node_is_ready(places) else "not Ready"


def pid_of(places: Places, name: str) -> int | None:
    """As the cluster's own namespace counts; None: it is about to start again."""
    pids: dict[str, int] = json.loads(places.components.read_text(encoding="utf-8"))
    return pids.get(name)


def restart(holder: Holder, places: Places, name: str) -> None:
    """As a crash: SIGKILL. Return when it runs again, and the API server answers."""
    known = [component.name for component in components(places)]
    if name not in known:
        raise ClusterError(f"no component {name!r}: there are {', '.join(known)}")
    before = pid_of(places, name)
    done = subprocess.run(
        holder.enter("kill", "-KILL", str(before)), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ClusterError(f"{name} cannot be killed: {done.stderr.strip()}")
    until = time.monotonic() + RESTART_SECONDS
    while pid_of(places, name) in (before, None):
        if time.monotonic() > until:
            raise ClusterError(f"{name} did not start again within {RESTART_SECONDS:g} s")
        time.sleep(0.05)
    health.wait_for("the API server", lambda: health.api_is_ready(places), places)
