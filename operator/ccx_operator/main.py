"""`ccx-operator`: the feed, the controller, the links and the metrics in one task group.

If one of them dies, the process does; Kubernetes starts another.
"""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.metadata import version
from typing import Any

import kopf

from ccx_api.snapshot import Snapshot
from ccx_kube.config_maps import ConfigMaps
from ccx_kube.errors import ConfigError
from ccx_kube.events import Events
from ccx_kube.executions import Executions
from ccx_kube.leases import Leases
from ccx_kube.link import RunnerLink
from ccx_kube.pods import Pods
from ccx_kube.session import KubeSession
from ccx_operator import handlers, logs
from ccx_operator.cluster import KubeCluster
from ccx_operator.controller import Controller
from ccx_operator.expiring import Expiring
from ccx_operator.handlers import Feed
from ccx_operator.links import Links, Place
from ccx_operator.metrics import Metrics
from ccx_operator.pod_spec import Images
from ccx_operator.recorder import Ports, Recorder
from ccx_operator.release import release
from ccx_operator.resync import Resync
from ccx_operator.session_watch import SessionWatch
from ccx_operator.store import Store
from ccx_operator.work_queue import WorkQueue

log = logging.getLogger(__name__)

FEED_AGAIN_SECONDS = 1.0
"""After the feed has ended by an error."""

_IDENTITY: Any = "ccx-operator"
"""For peering, which is off. Else kopf asks for the name of our uid, and in an image it has none.
kopf exports no type for it."""

_RELEASE = "take the finalizer off all executions and end; for when no operator runs any more"
_TAKEOVER = "until the session of a gateway that has gone is closed (60)"


@dataclass(frozen=True, slots=True)
class Options:
    namespaces: tuple[str, ...]
    """Empty: all."""

    images: Images
    metrics: tuple[str, int] | None
    probes: tuple[str, int] | None
    node_lost: timedelta
    takeover: timedelta
    log_format: str
    release_finalizers: bool


def main() -> None:
    options = parse(sys.argv[1:])
    logs.configure(options.log_format)
    try:
        if options.release_finalizers:
            asyncio.run(release(options.namespaces))
        else:
            asyncio.run(_until_told_to_stop(options))
    except ConfigError as exc:
        sys.exit(f"ccx-operator: {exc}")
    except BaseExceptionGroup as exc:
        for error in exc.exceptions:
            log.critical("a part of the operator died", exc_info=error)
        sys.exit(1)


def parse(words: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog="ccx-operator", description="Run ClaudeExecutions of cc-executor.dev as pods."
    )
    add = parser.add_argument
    add("--namespace", action="append", default=[], help="only this one; may be repeated")
    add("--runtime-image", default=_image("runtime"), help="where an execution names no image")
    add("--runner-image", default=_image("runner"), help="the image that holds ccx-runner")
    add("--metrics-address", type=_address, metavar="HOST:PORT", help="none if absent")
    add("--probe-address", type=_address, metavar="HOST:PORT", help="of /healthz; none if absent")
    add("--node-lost-seconds", type=_positive, default=300, help="until a pod is lost (300)")
    add("--session-takeover-seconds", type=_positive, default=60, help=_TAKEOVER)
    add("--log-format", choices=("json", "text"), default="json")
    add("--release-finalizers", action="store_true", help=_RELEASE)
    found = parser.parse_args(words)
    return Options(
        namespaces=tuple(found.namespace),
        images=Images(runtime=found.runtime_image, runner=found.runner_image),
        metrics=found.metrics_address,
        probes=found.probe_address,
        node_lost=timedelta(seconds=found.node_lost_seconds),
        takeover=timedelta(seconds=found.session_takeover_seconds),
        log_format=found.log_format,
        release_finalizers=found.release_finalizers,
    )


async def _until_told_to_stop(options: Options) -> None:
    """kopf's own way to stop waits 5 s for tasks that are not its: the whole is cancelled."""
    operator = asyncio.create_task(operate(options))
    _end_on_signals(operator)
    with suppress(asyncio.CancelledError):
        await operator


def _end_on_signals(operator: asyncio.Task[None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, operator.cancel)


async def operate(options: Options) -> None:
    operator = asyncio.current_task()
    assert operator is not None
    store, queue = Store(), WorkQueue()
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(await KubeSession.from_environment())
        links = Links(partial(RunnerLink.open, session), partial(_heard, store, queue))
        metrics = Metrics(store, queue_depth=lambda: queue.depth, links_open=lambda: len(links))
        session.on_response = metrics.requested
        lists = (Executions(session), Pods(session))
        ports = Ports(ConfigMaps(session), lists[0], Events(session).create)
        recorder = Recorder(store, WorkQueue(), ports, metrics, wake=queue.add, now=_now)
        cluster = KubeCluster(session, links, options.images, recorder.add)
        expiring = Expiring(store, WorkQueue(), lists[0], metrics, now=_now)
        resync = Resync(store, queue, cluster, *lists, namespaces=options.namespaces, now=_now)
        leases = Leases(session, session.namespace)
        sessions = SessionWatch(store, queue, leases, takeover=options.takeover)
        lost = options.node_lost
        controller = Controller(store, queue, cluster, metrics, now=_now, node_lost=lost)
        if options.metrics is not None:
            stack.enter_context(metrics.served(*options.metrics))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_feed(options, Feed(store, queue, _now), operator))
            tasks.create_task(controller.run())
            tasks.create_task(links.run())
            tasks.create_task(resync.run())
            tasks.create_task(sessions.run())
            tasks.create_task(expiring.run())
            tasks.create_task(recorder.run())


async def _feed(options: Options, feed: Feed, operator: asyncio.Task[None]) -> None:
    """kopf gives up at an error in a watch that is not 410: an API server that restarts must
    not end the operator, and with it every link and every wish that is on its way.
    """
    while True:
        ready = asyncio.Event()
        signals = asyncio.create_task(_take_signals_back(ready, operator))
        try:
            await _run_kopf(options, feed, ready)
        except Exception:
            log.warning("the feed has ended and begins anew", exc_info=True)
        finally:
            signals.cancel()
        await asyncio.sleep(FEED_AGAIN_SECONDS)


async def _take_signals_back(ready: asyncio.Event, operator: asyncio.Task[None]) -> None:
    """kopf puts handlers of its own in at every start."""
    await ready.wait()
    _end_on_signals(operator)


async def _run_kopf(options: Options, feed: Feed, ready: asyncio.Event) -> None:
    await kopf.operator(
        registry=handlers.registry,
        memo=feed,
        standalone=True,
        identity=_IDENTITY,
        clusterwide=not options.namespaces,
        namespaces=options.namespaces,
        ready_flag=ready,
        liveness_endpoint=_liveness(options.probes),
    )
    raise RuntimeError("kopf has ended")


def _heard(store: Store, queue: WorkQueue, place: Place, snapshot: Snapshot) -> None:
    store.heard(place.execution, snapshot, _now(), pod_uid=place.pod_uid)
    queue.add(place.execution)


def _liveness(address: tuple[str, int] | None) -> str | None:
    """Answered by the loop that does the work, so that one that hangs is noticed."""
    if address is None:
        return None
    host, port = address
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/healthz"


def _now() -> datetime:
    return datetime.now(UTC)


def _image(name: str) -> str:
    """Of our own version: operator and runner speak one protocol."""
    return f"cc-executor/{name}:{version('cc-executor')}"


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 0.0.0.0:9090")
    return host.strip("[]"), int(port)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds from 1 on")
    return int(text)
