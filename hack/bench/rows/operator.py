"""The operator on a real API server: how fast it makes pods, and what ten thousand executions cost.

executions -> operator or bare loop -> pods that no scheduler takes -> status

The pods never start, so that the node has no part in it. CPU and memory are the operator's alone.
"""

import asyncio
import json
import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.cluster import a_namespace, kubeconfig
from bench.harness import Bench
from bench.programs import child, start_operator
from bench.row import AtLeast, AtMost, Row
from bench.usage import cpu_seconds, peak_mib
from ccx_api.names import FINALIZER
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_dev.child import Child
from ccx_kube.executions import status_patch
from ccx_operator.facts import PodFacts, pod_facts
from ccx_operator.observed import Observed
from ccx_operator.pod_spec import Images, pod_body
from ccx_operator.reconcile import decide

IDS = ("O1", "O2", "O4")
EXECUTIONS, FINISHED, FOREIGN_PODS = 500, 10_000, 20_000
SPEC = {"command": ["true"], "podTemplate": {"spec": {"schedulerName": "nobody"}}}
IMAGES = Images(runtime="x", runner="x")
READY_SECONDS, SETTLE_SECONDS = 60.0, 3.0

Start = Callable[[str, Path], Child]


def rows(bench: Bench) -> Iterator[Row]:
    yield from _pods_made(bench)
    yield from _finished(bench)


def _pods_made(bench: Bench) -> Iterator[Row]:
    """The goal is that of the frame: equal writes. What the writes cost, the last row shows."""
    starts = (_operator, _bare_loop, _barest_loop)
    took: dict[Start, list[tuple[float, float]]] = {start: [] for start in starts}
    for _ in bench.each_round(f"operator: {EXECUTIONS} executions, then the same to bare loops"):
        for start in starts:
            took[start].append(asyncio.run(_make_pods(start, bench.directory)))
    ours, bare, barest = ([EXECUTIONS / wall for wall, _ in took[start]] for start in starts)
    name = f"operator: {EXECUTIONS} executions to pods, to a bare watch loop"
    yield Row(f"{name}, wall", "executions/s", ours, bare, AtLeast(0.75), id="O1", to="bare loop")
    cpu, bare_cpu = ([1000 * cpu / EXECUTIONS for _, cpu in took[start]] for start in starts[:2])
    yield Row(f"{name}, CPU", "ms each", cpu, bare_cpu, id="O2", to="bare loop")
    name = f"{name} without finalizer and conditions, wall"
    yield Row(name, "executions/s", ours, barest, id="O1", to="barest loop")


async def _make_pods(start: Start, directory: Path) -> tuple[float, float]:
    """Seconds from the first creation to the last status, and CPU seconds."""
    async with a_namespace() as namespace:
        running = start(namespace.name, directory)
        try:
            await asyncio.sleep(SETTLE_SECONDS)  # its first list is not what is measured
            cpu, began = cpu_seconds(running.pid), time.monotonic()
            await namespace.create_executions(EXECUTIONS, SPEC)
            await namespace.until_named(EXECUTIONS)
            return time.monotonic() - began, cpu_seconds(running.pid) - cpu
        finally:
            running.end()


def _finished(bench: Bench) -> Iterator[Row]:
    samples = asyncio.run(_with_finished(bench))
    name = f"operator: starts beside {FINISHED} finished executions"
    (seconds, peak), (_, beside) = samples
    yield Row(f"{name}, until ready", "s", [seconds], (), AtMost(10), id="O4")
    yield Row(f"{name}, memory", "MiB", [peak], (), AtMost(128), id="O4")
    name = f"operator: and {FOREIGN_PODS} pods of others, memory, to without"
    yield Row(name, "MiB", [beside], [peak], AtMost(1.05 * peak), id="O4", to="without them")


async def _with_finished(bench: Bench) -> list[tuple[float, float]]:
    async with a_namespace() as namespace:
        with bench.step(f"operator: makes {FINISHED} finished executions"):
            await namespace.create_executions(FINISHED, SPEC)
            await namespace.finish(FINISHED)
        samples = [await _start_beside(FINISHED, bench.directory)]
        with bench.step(f"operator: makes {FOREIGN_PODS} pods of others"):
            await namespace.create_pods(FOREIGN_PODS)
        samples.append(await _start_beside(FINISHED, bench.directory))
        return samples


async def _start_beside(count: int, directory: Path) -> tuple[float, float]:
    """Seconds until it knows all of them, and the peak of its memory in MiB."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    began = time.monotonic()
    operator = start_operator(kubeconfig(), directory, "--metrics-address", address)
    try:
        async with asyncio.timeout(READY_SECONDS):
            while True:
                if await asyncio.to_thread(_known, address) >= count:
                    return time.monotonic() - began, peak_mib(operator.pid)
                await asyncio.sleep(0.1)
    finally:
        operator.end()


def _known(address: str) -> int:
    """How many finished executions its metrics count."""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as answer:
            page = answer.read().decode()
    except OSError:
        return 0  # it does not serve yet
    wanted = 'ccx_executions{phase="Succeeded"} '
    found = (line.removeprefix(wanted) for line in page.splitlines() if line.startswith(wanted))
    return int(float(next(found, "0")))


def _operator(namespace: str, directory: Path) -> Child:
    return start_operator(kubeconfig(), directory, "--namespace", namespace)


def _bare_loop(namespace: str, directory: Path) -> Child:
    """It writes what the operator writes."""
    execution = _an_execution(namespace)
    observed = Observed(pod=_waiting_pod(execution))
    status = decide(execution, observed, now=datetime.now(UTC)).status
    return _loop(namespace, directory, status_patch(status), [FINALIZER])


def _barest_loop(namespace: str, directory: Path) -> Child:
    return _loop(namespace, directory, {"phase": "Starting", "reason": "PodCreated"}, [])


def _loop(namespace: str, directory: Path, status: dict[str, Any], finalizers: list[str]) -> Child:
    pod = pod_body(_an_execution(namespace), IMAGES)
    del pod["metadata"]["ownerReferences"]
    bodies = {"pod": pod, "status": status, "finalizers": finalizers}
    file = directory / "bodies.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(bodies), encoding="utf-8")
    words = ["-m", "bench.baselines.bare_loop", str(kubeconfig()), namespace, str(file)]
    return child([sys.executable, *words], kubeconfig(), directory)


def _an_execution(namespace: str) -> ClaudeExecution:
    metadata = {"name": "x", "namespace": namespace, "uid": "0" * 36, "generation": 1}
    return ClaudeExecution.model_validate({"metadata": metadata, "spec": SPEC})


def _waiting_pod(execution: ClaudeExecution) -> PodFacts:
    body = pod_body(execution, IMAGES)
    made = {"uid": "0" * 36, "resourceVersion": "1", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return pod_facts({**body, "metadata": {**body["metadata"], **made}, "status": {}})
