"""Build the project's images and save them as archives, telling what happens.

engine, base, wheels -> build of each target -> .ccx/images/TARGET.tar
"""

import re
import tarfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Final

from images import base, engine, pause, wheels
from images.errors import ImagesError

CHECKOUT: Final = Path(__file__).resolve().parents[2]
OUTPUT: Final = CHECKOUT / ".ccx/images"
TARGETS: Final = ("control", "runner", "runtime")
PAUSE: Final = "pause"
_BEGAN: Final = time.monotonic()


@dataclass(frozen=True, slots=True)
class Wishes:
    names: Sequence[str]
    engine: str | None
    base: str | None
    base_rootfs: Path | None
    base_python: str
    claude_agent_sdk: str | None
    """The version of the wheel that bundles the Claude Code CLI."""

    twice: bool = False
    """Build each once more without the engine's cache: it must have the same layers."""


def run(wishes: Wishes) -> None:
    OUTPUT.mkdir(parents=True, exist_ok=True)
    targets = [name for name in wishes.names if name != PAUSE]
    if targets:
        _build(wishes, targets)
    if PAUSE in wishes.names:
        pause.make(OUTPUT / "pause.tar")
        _tell(pause.NAME, OUTPUT / "pause.tar", "built")


def image_name(target: str, version: str) -> str:
    """As containerd calls it; a pod may leave the registry out."""
    return f"docker.io/cc-executor/{target}:{version}"


def _build(wishes: Wishes, targets: Sequence[str]) -> None:
    log = OUTPUT / "build.log"
    log.unlink(missing_ok=True)
    builder = engine.find(log, wishes.engine)
    say(f"building with {builder.program}; its output is in {log.relative_to(CHECKOUT)}")
    args = {"BASE": base.choose(builder, wishes.base, wishes.base_rootfs, say)}
    say(f"the base is {args['BASE']}")
    args |= {"PIP_NO_INDEX": "1", "VERSION": _version()}
    _download(wishes, targets)
    for target in targets:
        own = {"CLAUDE_AGENT_SDK": wishes.claude_agent_sdk or ""} if target == "runtime" else {}
        _build_one(builder, target, args | own)
        if wishes.twice:
            build_again(builder, target, args | own)


def _download(wishes: Wishes, targets: Sequence[str]) -> None:
    python = wishes.base_python
    if wheels.of_project(CHECKOUT, OUTPUT / "wheels", python):
        say("downloaded the wheels of the dependencies")
    version = wishes.claude_agent_sdk
    if "runtime" in targets and wheels.of_cli(CHECKOUT, OUTPUT / "cli-wheels", python, version):
        say("downloaded the wheel that bundles the Claude Code CLI")


def _build_one(builder: engine.Engine, target: str, args: dict[str, str]) -> None:
    name, archive = image_name(target, args["VERSION"]), OUTPUT / f"{target}.tar"
    builder.build(name, CHECKOUT, target=target, args=args)
    if saved_id(archive) == builder.image_id(name):
        _tell(name, archive, "unchanged")
    else:
        builder.save(name, archive)
        _tell(name, archive, "built")


def build_again(builder: engine.Engine, target: str, args: dict[str, str]) -> None:
    name = image_name(target, args["VERSION"])
    builder.build(f"{name}-again", CHECKOUT, target=target, args=args, anew=True)
    first, again = builder.layers(name), builder.layers(f"{name}-again")
    builder.remove(f"{name}-again")
    if different := [pair for pair in zip_longest(first, again) if pair[0] != pair[1]]:
        raise ImagesError(f"{name} has other layers when it is built again: {different}")
    say(f"reproduced: {target}, {len(first)} layers")


def saved_id(archive: Path) -> str | None:
    """The id of the image in a docker archive."""
    if not archive.exists():
        return None
    with tarfile.open(archive) as tar:
        manifest = tar.extractfile("manifest.json")
        assert manifest is not None
        found = re.search(rb'"Config":"[^"]*?([0-9a-f]{64})', manifest.read())
    return found[1].decode() if found else None


def _version() -> str:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def _tell(name: str, archive: Path, what: str) -> None:
    size = archive.stat().st_size / 1_000_000
    say(f"{what}: {name} in {archive.relative_to(CHECKOUT)} ({size:.0f} MB)")


def say(text: str) -> None:
    print(f"{time.monotonic() - _BEGAN:6.1f} s  {text}", flush=True)
