"""Is the cluster ready? Asked as a client would, with a bound on every wait."""

import subprocess
import time
from collections.abc import Callable
from typing import Final

from cluster.errors import ClusterError
from cluster.places import NODE, Places

ANSWER_SECONDS: Final = 5
LOOK_SECONDS: Final = 0.2
READY_SECONDS: Final = 120.0


def kubectl(places: Places, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [str(places.programs / "kubectl"), f"--kubeconfig={places.kubeconfig}"]
    argv += [f"--request-timeout={ANSWER_SECONDS}s", f"--cache-dir={places.state / 'kubectl'}"]
    return subprocess.run([*argv, *words], capture_output=True, text=True, check=False)


def api_is_ready(places: Places) -> bool:
    return kubectl(places, "get", "--raw", "/readyz").stdout == "ok"


def node_is_ready(places: Places) -> bool:
    ready = "jsonpath={.status.conditions[?(@.type=='Ready')].status}"
    return kubectl(places, "get", "node", NODE, "-o", ready).stdout == "True"


def has_service_accounts(places: Places) -> bool:
    """Without it the first pods of the namespace are refused."""
    return kubectl(places, "get", "serviceaccount", "default").returncode == 0


def wait_for(what: str, is_so: Callable[[], bool], places: Places) -> None:
    until = time.monotonic() + READY_SECONDS
    while not is_so():
        if time.monotonic() > until:
            raise ClusterError(f"{what} did not come within {READY_SECONDS:g} s: {places.logs}")
        time.sleep(LOOK_SECONDS)
