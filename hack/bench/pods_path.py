"""The whole path in real pods: how fast output comes, beside kubectl, and control meanwhile.

process -> runner -> link.py -> containerd -> kubelet -> API server -> gateway -> a client

Operator and gateway are of this checkout and run here; runner and agent come from the images.
"""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

from bench.cluster import Namespace, a_namespace
from bench.harness import Bench
from bench.kubectl_rate import PRINT, exec_rate, logs_rate
from bench.pace import Pace
from bench.programs import runtime_image, start_operator
from bench.quantile import quantile
from bench.readers import a_viewer
from bench.row import AtLeast, AtMost, Row
from ccx_dev.child import StackError
from ccx_dev.stack import start_gateway, websocket_of
from ccx_kube.link import RunnerLink

TRIP_SECONDS: Final = 0.02

Sample = dict[str, float]


def rows(bench: Bench) -> Iterator[Row]:
    """The second half of the group `true_path`."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        raise StackError("true_path: kubectl is not on PATH, and its speed is the baseline")
    samples = asyncio.run(_measure(bench, kubectl))

    def of(what: str) -> list[float]:
        return [found[what] for found in samples]

    def row(
        name: str,
        unit: str,
        figures: list[float],
        goal: AtLeast | AtMost | None = None,
        *,
        beside: str = "",
    ) -> Row:
        theirs = of(beside) if beside else ()
        label = f"true path in pods: {name}"
        return Row(label, unit, figures, theirs, goal, id="P2", to=beside and f"kubectl {beside}")

    yield row("to one client", "MB/s", of("ours"), AtLeast(10), beside="logs")
    yield row("to one client", "MB/s", of("ours"), beside="exec")
    seconds = [1000 / rate for rate in of("ours")]
    yield row("to one client, a GB (25 s are 40 MB/s)", "s", seconds, AtMost(25))
    yield row("control meanwhile, p50", "ms", of("trip p50"))
    yield row("control meanwhile, p99", "ms", of("trip p99"), AtMost(30))


async def _measure(bench: Bench, kubectl: str) -> list[Sample]:
    async with a_namespace() as namespace:
        kubeconfig = namespace.kubeconfig(bench.directory)
        operator = start_operator(kubeconfig, bench.directory, "--namespace", namespace.name)
        gateway = start_gateway(bench.directory, kubeconfig)
        base = [kubectl, "--kubeconfig", str(kubeconfig), "-n", namespace.name]
        try:
            rounds = bench.each_round("true path in pods: ours, logs -f, exec, control")
            return [await _round(bench, namespace, websocket_of(gateway), base) for _ in rounds]
        finally:
            gateway.end()
            operator.end()


async def _round(bench: Bench, namespace: Namespace, url: str, kubectl: list[str]) -> Sample:
    total = bench.megabytes * 1_000_000
    found = {"ours": await _ours(url, total, bench.directory)}
    found["logs"] = await logs_rate(namespace, kubectl, runtime_image())
    found["exec"] = await exec_rate(namespace, kubectl, runtime_image(), total)
    trips = await _trips(namespace, url, total)
    return {**found, "trip p50": quantile(trips, 0.5), "trip p99": quantile(trips, 0.99)}


async def _ours(url: str, total: int, directory: Path) -> float:
    """From the first byte to the last. With Block nothing has to pace the process."""
    async with a_viewer(url) as viewer:
        await viewer.call("execute", **_printing(total))
        pace = Pace(directory / "leave", 1)
        await viewer.read(total, pace, 0)
        return total / 1e6 / pace.seconds


async def _trips(namespace: Namespace, url: str, total: int) -> list[float]:
    """Milliseconds of a STATUS over a link that carries output at full speed, as a gateway's."""
    async with a_viewer(url) as viewer:
        told = await viewer.call("execute", **_printing(total), credit=0)
        await viewer.call("detach", execution=told["execution"])  # else `Block` waits for it, too
        async with await RunnerLink.open(namespace.session, namespace.name, told["pod"]) as link:
            reading = asyncio.create_task(_read(link, total))
            trips = [1000 * await _timed(link.status)]
            while not reading.done():
                trips.append(1000 * await _timed(link.status))
                await asyncio.sleep(TRIP_SECONDS)
            reading.result()
    return trips


async def _read(link: RunnerLink, total: int) -> None:
    async for item in link.follow():
        if getattr(item, "end", 0) >= total:
            return


def _printing(total: int) -> dict[str, Any]:
    argv = ["python3", "-c", PRINT, str(total)]
    return {"argv": argv, "output": {"overflow": "Block"}, "terminationGracePeriodSeconds": 1}


async def _timed(ask: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    await ask()
    return time.perf_counter() - began
