"""What the commands do, told as it happens."""

import argparse
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Final

from cluster import (
    build,
    certificates,
    cgroups,
    configs,
    debian,
    health,
    images,
    network,
    sysctls,
    volumes,
)
from cluster.errors import ClusterError
from cluster.holder import Holder
from cluster.places import HOLDER, KUBERNETES, Places
from cluster.running import restart, rows
from images import pause

CHECKOUT: Final = Path(__file__).resolve().parents[2]
_BEGAN: Final = time.monotonic()


def run(given: argparse.Namespace) -> None:
    places = Places.of(CHECKOUT)
    match given.command:
        case "build":
            build.build(places.programs, say)
        case "up":
            up(places)
        case "down":
            down(places)
        case "status":
            status(places)
        case "env":
            print(f"export KUBECONFIG={places.kubeconfig} PATH={places.programs}:$PATH")
        case "load":
            load(_running(places), given.archive)
        case "restart":
            restart(_running(places), places, given.component)
            say(f"{given.component} was killed and runs again")


def up(places: Places) -> None:
    _needs_root()
    if Holder.find(places) is None:
        debian.install(say)
        build.build(places.programs, say)
        _start(places)
    say(f'Kubernetes {KUBERNETES} is up: eval "$(python3 hack/cluster env)"')


def _start(places: Places) -> None:
    certificates.make(places.pki)
    pause.make(places.pause)
    _forget_last(places)
    for path, text in configs.files(places).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    network.unplug()
    cgroups.make()
    sysctls.remember(places.sysctls)
    holder = Holder.start(places)
    try:
        network.plug_in(holder.pid)
        health.wait_for("the API server", lambda: health.api_is_ready(places), places)
        say("the API server is ready")
        load(holder, [places.pause])
        health.wait_for("the node", lambda: health.node_is_ready(places), places)
        say("the node is Ready")
        health.wait_for("an account", lambda: health.has_service_accounts(places), places)
        volumes.make(places)
    except BaseException:
        down(places)
        raise


def down(places: Places) -> None:
    _needs_root()
    if (holder := Holder.find(places)) is not None:
        holder.kill()
    HOLDER.unlink(missing_ok=True)
    network.unplug()
    cgroups.remove()
    sysctls.put_back(places.sysctls)
    say("the cluster is down")


def status(places: Places) -> None:
    holder = Holder.find(places)
    if holder is None:
        sys.exit("the cluster is down: `hack/cluster up` starts it")
    for name, what in rows(holder, places):
        print(f"{name:<26}{what}")
    print(f"{'kubeconfig':<26}{places.kubeconfig}")
    for name in images.names(holder):
        print(f"{'image':<26}{name}")


def load(holder: Holder, archives: list[Path]) -> None:
    for archive in archives:
        images.load(holder, archive)
        say(f"loaded {archive.name}")


def say(text: str) -> None:
    print(f"{time.monotonic() - _BEGAN:6.1f} s  {text}", flush=True)


def _running(places: Places) -> Holder:
    holder = Holder.find(places)
    if holder is None:
        raise ClusterError("the cluster is down: `hack/cluster up` starts it")
    return holder


def _forget_last(places: Places) -> None:
    """Every start has an empty cluster; certificates and images are kept."""
    for kept_by in ("etcd", "logs", "config", "kubectl", "var/log", "var/lib/kubelet"):
        shutil.rmtree(places.state / kept_by, ignore_errors=True)
    for old in (places.components, *places.state.glob("audit*.log")):
        old.unlink(missing_ok=True)


def _needs_root() -> None:
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        raise ClusterError(
            "a cluster without Docker needs Linux and root; elsewhere see hack/kind-up"
        )
