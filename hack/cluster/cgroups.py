"""The cgroup that all pods are below, in every hierarchy that this machine has mounted."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cluster.errors import ClusterError
from cluster.places import CGROUP

ROOT: Final = Path("/sys/fs/cgroup")
GONE_SECONDS: Final = 10.0


def hierarchies(root: Path = ROOT) -> Iterator[Path]:
    """One for version 2, one for each controller for version 1."""
    if (root / "cgroup.controllers").exists():
        yield root
        return
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and not folder.is_symlink() and (folder / "cgroup.procs").exists():
            yield folder


def make(root: Path = ROOT) -> None:
    for hierarchy in hierarchies(root):
        (hierarchy / CGROUP).mkdir(exist_ok=True)


def remove(root: Path = ROOT) -> None:
    """Their processes have been killed: the kernel may take a moment to let go of them."""
    until = time.monotonic() + GONE_SECONDS
    for hierarchy in hierarchies(root):
        while left := _remove_empty(hierarchy / CGROUP):
            if time.monotonic() > until:
                raise ClusterError(f"cgroup {left} still has processes")
            time.sleep(0.05)


def _remove_empty(folder: Path) -> Path | None:
    """The folder that could not go, or None."""
    if not folder.exists():
        return None
    for below in folder.iterdir():
        if below.is_dir() and (left := _remove_empty(below)):
            return left
    try:
        folder.rmdir()
    except OSError:
        return folder
    return None
