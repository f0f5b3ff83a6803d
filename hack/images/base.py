"""The image that ours stand on: from a registry, from a root file system, or from Debian packages.

wanted -> there already? pulled? -> else mmdebstrap -> base.tar -> an image of the engine
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from images.engine import Engine
from images.errors import ImagesError

Say = Callable[[str], None]

DEFAULT: Final = "docker.io/library/python:3.11-slim-bookworm"
"""As the Dockerfile says: a test compares."""

SUITE: Final = "bookworm"
RECIPE: Final = (
    "--variant=minbase",
    "--include=python3,python3-venv",
    *(
        f"--dpkgopt=path-exclude=/usr/share/{folder}/*"
        for folder in ("doc", "info", "locale", "man")
    ),
    SUITE,
)
"""What mmdebstrap is told: the counterpart of the registry's slim Python image."""

_DOCKERFILE: Final = "FROM scratch\nADD base.tar /\n"


def choose(engine: Engine, wanted: str | None, rootfs: Path | None, say: Say) -> str:
    """The name of the base. Only the default one has a substitute."""
    if rootfs is not None:
        return _from_rootfs(engine, rootfs, say)
    name = wanted or DEFAULT
    if engine.image_id(name):
        return name
    debian = debian_name()
    if not wanted and engine.image_id(debian):
        return debian
    say(f"pulling {name}")
    failure = engine.pull(name)
    if not failure:
        return name
    if wanted:
        raise ImagesError(f"{wanted} cannot be had: {failure}")
    say(f"the registry is not reachable: {failure.rpartition(': ')[2]}")
    say("building the base from Debian packages with mmdebstrap (about a minute, once)")
    _from_debian(engine, debian)
    return debian


def debian_name() -> str:
    """Another recipe is another image."""
    recipe = hashlib.sha256("\n".join((*RECIPE, _DOCKERFILE)).encode()).hexdigest()
    return f"docker.io/cc-executor/base:{SUITE}-{recipe[:8]}"


def _from_rootfs(engine: Engine, rootfs: Path, say: Say) -> str:
    if not rootfs.is_file():
        raise ImagesError(f"{rootfs} is no archive of a root file system")
    with rootfs.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    name = f"docker.io/cc-executor/base:rootfs-{digest[:8]}"
    if not engine.image_id(name):
        say(f"importing {rootfs} as {name}")
        with tempfile.TemporaryDirectory() as folder:
            shutil.copyfile(rootfs, Path(folder) / "base.tar")
            _import(engine, name, Path(folder))
    return name


def _from_debian(engine: Engine, name: str) -> None:
    if shutil.which("mmdebstrap") is None:
        raise ImagesError(
            "mmdebstrap is not here. On Debian: apt-get install mmdebstrap. Elsewhere give"
            " BASE=IMAGE that can be pulled, or BASE_ROOTFS=FILE.tar"
        )
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "base.tar"
        done = subprocess.run(
            ["mmdebstrap", *RECIPE, str(target)],
            env={**os.environ, "SOURCE_DATE_EPOCH": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ImagesError(f"mmdebstrap failed: {done.stderr.strip()[-1000:]}")
        _import(engine, name, Path(folder))


def _import(engine: Engine, name: str, context: Path) -> None:
    """By a build, which every engine spells alike."""
    (context / "Dockerfile").write_text(_DOCKERFILE, encoding="utf-8")
    engine.build(name, context)
