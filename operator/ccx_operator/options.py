"""What `ccx-operator` can be told on its command line."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from ccx_kube.option_types import host_port, positive
from ccx_operator.pod_spec import Images
from ccx_operator.site_template import site_template

_RELEASE = "take the finalizer off all executions and end; for when no operator runs any more"
_STOP = "with --release-finalizers: scale that Deployment of our namespace to 0 before, and wait"
_TEMPLATE = "a pod template for all executions, below their own; may be repeated, the later on top"
_TAKEOVER = "until the session of a gateway that has gone is closed (60)"

_address = host_port("0.0.0.0:9090")
_seconds = positive("a number of seconds")


@dataclass(frozen=True, slots=True)
class Options:
    namespaces: tuple[str, ...]
    """Empty: all."""

    images: Images
    template: dict[str, Any]
    """What the pods of all executions start from."""

    metrics: tuple[str, int] | None
    probes: tuple[str, int] | None
    node_lost: timedelta
    takeover: timedelta
    leader_elect: bool
    log_format: str
    release_finalizers: bool
    stop_deployment: str | None


def parse(words: Sequence[str]) -> Options:
    cli = parser()
    found = cli.parse_args(words)
    if found.stop_deployment and not found.release_finalizers:
        cli.error("--stop-deployment goes with --release-finalizers only")
    try:
        template = site_template(found.pod_template)
    except (OSError, ValueError, yaml.YAMLError) as exc:
        cli.error(f"--pod-template: {exc}")
    return Options(
        namespaces=tuple(found.namespace),
        images=Images(runtime=found.runtime_image, runner=found.runner_image),
        template=template,
        metrics=found.metrics_address,
        probes=found.probe_address,
        node_lost=timedelta(seconds=found.node_lost_seconds),
        takeover=timedelta(seconds=found.session_takeover_seconds),
        leader_elect=found.leader_elect,
        log_format=found.log_format,
        release_finalizers=found.release_finalizers,
        stop_deployment=found.stop_deployment,
    )


def parser() -> argparse.ArgumentParser:
    cli = argparse.ArgumentParser(
        prog="ccx-operator", description="Run ClaudeExecutions of cc-executor.dev as pods."
    )
    add = cli.add_argument
    add("--namespace", action="append", default=[], help="only this one; may be repeated")
    add("--runtime-image", default=_image("runtime"), help="where an execution names no image")
    add("--runner-image", default=_image("runner"), help="the image that holds ccx-runner")
    add("--pod-template", action="append", default=[], metavar="FILE", type=Path, help=_TEMPLATE)
    add("--metrics-address", type=_address, metavar="HOST:PORT", help="none if absent")
    add("--probe-address", type=_address, metavar="HOST:PORT", help="of /healthz; none if absent")
    add("--node-lost-seconds", type=_seconds, default=300, help="until a pod is lost (300)")
    add("--session-takeover-seconds", type=_seconds, default=60, help=_TAKEOVER)
    add("--leader-elect", action="store_true", help="stand by until no other operator leads")
    add("--log-format", choices=("json", "text"), default="json")
    add("--release-finalizers", action="store_true", help=_RELEASE)
    add("--stop-deployment", metavar="NAME", help=_STOP)
    return cli


def _image(name: str) -> str:
    """Of our own version: operator and runner speak one protocol."""
    return f"cc-executor/{name}:{version('cc-executor')}"
