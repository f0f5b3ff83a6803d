"""What the builds would fetch with pip, fetched here: with this machine's own mirror, proxy and CA.

requirements.txt, build.txt -> pip download -> .ccx/images/wheels, a part of the context
"""

import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from images.errors import ImagesError

LISTS: Final = ("hack/images/requirements.txt", "hack/images/build.txt")
"""The dependencies, and what builds our own wheel; with hashes: `make hashes`."""


def of_project(checkout: Path, target: Path, python: str) -> bool:
    """False: they were there."""
    lists = [checkout / name for name in LISTS]
    words = ["--require-hashes", *(w for path in lists for w in ("-r", str(path)))]
    words += _target(python)
    pins = [path.read_text(encoding="utf-8") for path in lists]
    return _download(target, words, made_from=[*words, *pins])


def of_cli(checkout: Path, target: Path, python: str, version: str | None) -> bool:
    file = checkout / "hack/claude-cli.txt"
    words = [f"claude-agent-sdk=={version}"] if version else ["-r", str(file)]
    words += ["--no-deps", *_target(python)]
    return _download(target, words, made_from=[*words, file.read_text(encoding="utf-8")])


def _target(python: str) -> list[str]:
    """Linux on this machine's processor, also where the engine is a virtual machine's."""
    machine = {"arm64": "aarch64", "AMD64": "x86_64"}.get(platform.machine(), platform.machine())
    words = ["--only-binary", ":all:", "--python-version", python]
    for libc in ("manylinux2014", "manylinux_2_17", "manylinux_2_28", "linux"):
        words += ["--platform", f"{libc}_{machine}"]
    return words


def _download(target: Path, words: Sequence[str], made_from: Sequence[str]) -> bool:
    stamp = target.with_name(f"{target.name}.made-from")
    wanted = hashlib.sha256("\n".join(made_from).encode()).hexdigest()
    if target.is_dir() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return False
    shutil.rmtree(target, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
    done = subprocess.run(
        [*pip, "--dest", str(target), *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ImagesError(f"pip download failed: {done.stderr.strip()[-1000:]}")
    stamp.write_text(wanted, encoding="utf-8")
    return True
