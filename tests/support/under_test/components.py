"""The parts of the cluster under test, where somebody offers to kill and restart them."""

import os
import shlex
import subprocess

from support.under_test.ability import Ability

VARIABLE = "CCX_CLUSTER_CONTROL"
RESTART_SECONDS = 120


class Components:
    def __init__(self, control: list[str]) -> None:
        self._control = control

    def restart(self, name: str) -> None:
        """SIGKILL, and a start; returns when the new one has been started."""
        done = subprocess.run(
            [*self._control, "restart", name],
            capture_output=True,
            text=True,
            timeout=RESTART_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def find_components() -> Ability[Components]:
    control = shlex.split(os.environ.get(VARIABLE, ""))
    if not control:
        return Ability(f"{VARIABLE} names no command: 'python3 hack/cluster' with that cluster")
    return Ability(shlex.join([*control, "restart", "..."]), Components(control))
