"""Images go into the cluster's containerd as archives: there is no registry."""

import subprocess
from pathlib import Path

from cluster.errors import ClusterError
from cluster.holder import Holder
from cluster.places import CONTAINERD_SOCKET


def load(holder: Holder, archive: Path) -> list[str]:
    """The names of the images in it."""
    if not archive.is_file():
        raise ClusterError(f"{archive} is no file: `make images` makes the project's images")
    said = _ctr(holder, "images", "import", "--all-platforms", str(archive.resolve()))
    return [line.split()[1] for line in said.splitlines() if line.startswith("unpacking ")]


def names(holder: Holder) -> list[str]:
    return [name for name in _ctr(holder, "images", "list", "-q").split() if "@" not in name]


def _ctr(holder: Holder, *words: str) -> str:
    argv = ("ctr", "--address", str(CONTAINERD_SOCKET), "--namespace", "k8s.io", *words)
    done = subprocess.run(holder.enter(*argv), capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"ctr {words[0]} {words[1]}: {done.stderr.strip()[-500:]}")
    return done.stdout
