"""Build Kubernetes and etcd from the Go modules that go.mod pins: once, into the user's cache.

go list -> how many packages -> go build -v -> progress -> programs
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cluster.errors import ClusterError
from cluster.places import KUBERNETES

Say = Callable[[str], None]

MODULES: Final = Path(__file__).parent
_COMMANDS: Final = "k8s.io/kubernetes/cmd"
PACKAGES: Final = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": f"{_COMMANDS}/kube-apiserver",
    "kube-controller-manager": f"{_COMMANDS}/kube-controller-manager",
    "kube-proxy": f"{_COMMANDS}/kube-proxy",
    "kube-scheduler": f"{_COMMANDS}/kube-scheduler",
    "kubectl": f"{_COMMANDS}/kubectl",
    "kubelet": f"{_COMMANDS}/kubelet",
}
"""What is built -> from what; a component finds the program by this name."""

_VERSIONED: Final = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
_TELL_EVERY: Final = 100
"""Packages of about 1,900."""


def build(programs: Path, say: Say) -> None:
    """What is missing of them. About 12 minutes on two cores, the first time."""
    wanted = {name: package for name, package in PACKAGES.items() if not (programs / name).exists()}
    if not wanted:
        return
    if shutil.which("go") is None:
        raise ClusterError("Go 1.24 or newer is needed to build Kubernetes: https://go.dev/dl")
    programs.mkdir(parents=True, exist_ok=True)
    say(f"building Kubernetes {KUBERNETES} and etcd (about 12 min on 2 cores, once)")
    total = len(_go(["list", "-deps", *wanted.values()]).splitlines())
    for name, package in wanted.items():
        _build(programs / name, package, version_flags(), total, say)


def version_flags() -> str:
    """As the release's own build does it: API servers and clients compare versions."""
    major, minor, _ = KUBERNETES.split(".")
    facts = {
        "gitVersion": f"v{KUBERNETES}",
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "archive",
    }
    words = ["-s", "-w"]
    for package in _VERSIONED:
        words += [f"-X {package}.{name}={value}" for name, value in facts.items()]
    return " ".join(words)


def _build(target: Path, package: str, flags: str, total: int, say: Say) -> None:
    """Under another name until it is whole: an interrupted build leaves no half program."""
    unfinished = target.with_suffix(".new")
    words = ["build", "-v", "-trimpath", "-ldflags", flags, "-o", str(unfinished), package]
    with subprocess.Popen(
        ["go", *words], cwd=MODULES, env=_environment(), stderr=subprocess.PIPE, text=True
    ) as going:
        assert going.stderr is not None
        tail: list[str] = []
        for count, line in enumerate(going.stderr, 1):
            tail = [*tail[-20:], line]
            if count % _TELL_EVERY == 0:
                say(f"{target.name}: {count} packages compiled, of {total} at most")
    if going.returncode:
        raise ClusterError(f"go build {package} failed:\n{''.join(tail)}")
    unfinished.rename(target)
    say(f"{target.name} built")


def _go(words: Sequence[str]) -> str:
    done = subprocess.run(
        ["go", *words], cwd=MODULES, env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ClusterError(f"go {words[0]} failed: {done.stderr.strip()[-1000:]}")
    return done.stdout


def _environment() -> dict[str, str]:
    return {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"}
