"""The Debian packages that the cluster stands on, installed where they are missing."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cluster.errors import ClusterError
from cluster.places import CNI_PLUGINS

NEEDED: Final = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    str(CNI_PLUGINS / "bridge"): "containernetworking-plugins",
    "iptables": "iptables",
    "ip": "iproute2",
    "openssl": "openssl",
    "unshare": "util-linux",
}
"""Program -> package."""


def missing() -> list[str]:
    return sorted({NEEDED[program] for program in NEEDED if not _is_there(program)})


def install(say: Callable[[str], None]) -> None:
    wanted = missing()
    if not wanted:
        return
    names = " ".join(wanted)
    if shutil.which("apt-get") is None:
        raise ClusterError(f"these Debian packages are needed, and apt-get is not here: {names}")
    say(f"installing {names}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *wanted]):
        done = subprocess.run(
            ["apt-get", *words], env=quiet, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ClusterError(f"apt-get {words[0]} failed: {done.stderr.strip()[-500:]}")


def _is_there(program: str) -> bool:
    return Path(program).exists() if "/" in program else shutil.which(program) is not None
