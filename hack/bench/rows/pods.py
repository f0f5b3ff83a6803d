"""Executions in real pods: how soon they start, what a link costs, how quick control is.

client -> gateway -> API server -> kubelet -> link -> runner -> every process

Operator and gateway are of this checkout and run here; runner and agent come from the images.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import count

from bench.cluster import LOOK_SECONDS, Namespace, a_namespace, a_pod
from bench.harness import Bench
from bench.programs import runtime_image, start_operator
from bench.quantile import quantile
from bench.readers import a_viewer
from bench.row import AtMost, Row
from ccx_api.names import AGENT_CONTAINER
from ccx_api.status import Phase
from ccx_api.v1alpha1 import DesiredState
from ccx_dev.stack import start_gateway, websocket_of
from ccx_kube.exec_stream import open_exec
from ccx_kube.executions import Executions
from ccx_kube.link import RunnerLink
from ccx_kube.objects import object_path

IDS = ("K1", "K2", "K3", "C4", "C5")
STARTS, LINKS, TRIPS, CONTROLS = 5, 10, 100, 10
"""In a round."""

WAIT_SECONDS = 60.0
LOOP = ["sh", "-c", "for n in 1 2 3 4; do sleep 0.01 & done; while :; do sleep 0.05; done"]

_numbers = count(1)


def rows(bench: Bench) -> Iterator[Row]:
    samples = asyncio.run(_measure(bench))

    def row(
        row_id: str, name: str, of: str, share: float, goal: float | None = None, to: str = ""
    ) -> Row:
        ours = [quantile(found[of], share) * 1000 for found in samples]
        theirs = [quantile(found[to], share) * 1000 for found in samples] if to else []
        label = f"pods: {name}, p{share * 100:.0f}"
        most = None if goal is None else AtMost(goal)
        return Row(label, "ms", ours, theirs, most, id=row_id, to=to)

    yield row("K1", "execute to first output, to a bare pod's", "start", 0.5, to="bare start")
    yield row("K2", "link opened, to an exec of `cat` that echoes", "open", 0.5, to="exec")
    yield row("K2", "link opened, to an exec of `cat` that echoes", "open", 0.99, to="exec")
    yield row("K3", "link round trip, to one of `cat`", "trip", 0.5, to="echo")
    yield row("K3", "link round trip, to one of `cat`", "trip", 0.99, 10, to="echo")
    for action in ("PAUSE", "RESUME"):
        yield row("C4", f"{action} over the WebSocket, proven", action, 0.5, 20)
        yield row("C4", f"{action} over the WebSocket, proven", action, 0.99, 150)
    yield row("C5", "PAUSE by a patch, until the status says so", "patch", 0.5)
    yield row("C5", "PAUSE by a patch, until the status says so", "patch", 0.99, 500)


async def _measure(bench: Bench) -> list[dict[str, list[float]]]:
    async with a_namespace() as namespace:
        kubeconfig = namespace.kubeconfig(bench.directory)
        operator = start_operator(kubeconfig, bench.directory, "--namespace", namespace.name)
        gateway = start_gateway(bench.directory, kubeconfig)
        try:
            url = websocket_of(gateway)
            return [await _round(namespace, url) for _ in bench.each_round("pods: real ones")]
        finally:
            gateway.end()
            operator.end()


async def _round(namespace: Namespace, url: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    found["start"] = [await _timed(_first_output(url)) for _ in range(STARTS)]
    found["bare start"] = [await _timed(_bare_pod(namespace)) for _ in range(STARTS)]
    async with a_viewer(url) as viewer:
        told = await viewer.call("execute", argv=LOOP, terminationGracePeriodSeconds=1)
        pod, name = told["pod"], told["execution"]
        await _links(namespace, pod, found)
        for action in ("PAUSE", "RESUME") * CONTROLS:
            control = _timed(viewer.call("control", type=action))
            found.setdefault(action, []).append(await control)
        found["patch"] = [await _by_patch(namespace, name) for _ in range(CONTROLS)]
        await viewer.call("control", type="CANCEL")
    return found


async def _links(namespace: Namespace, pod: str, found: dict[str, list[float]]) -> None:
    session, where = namespace.session, (namespace.name, pod)
    for _ in range(LINKS):
        began = time.monotonic()
        async with await RunnerLink.open(session, *where) as link:
            found.setdefault("open", []).append(time.monotonic() - began)
            trips = [await _timed(link.status()) for _ in range(TRIPS // LINKS)]
            found.setdefault("trip", []).extend(trips)
        began = time.monotonic()
        async with open_exec(session, *where, AGENT_CONTAINER, ["cat"]) as cat:
            echoes = cat.stdout()
            await _echo(cat.write, echoes)
            found.setdefault("exec", []).append(time.monotonic() - began)
            trips = [await _timed(_echo(cat.write, echoes)) for _ in range(TRIPS // LINKS)]
            found.setdefault("echo", []).extend(trips)


async def _echo(
    write: Callable[[bytes], Awaitable[None]], echoes: AsyncIterator[memoryview]
) -> None:
    await write(b"x")
    while not await anext(echoes):
        pass


async def _by_patch(namespace: Namespace, name: str) -> float:
    executions = Executions(namespace.session)

    async def pause() -> None:
        wish = {"desiredState": DesiredState.PAUSED}
        patched = await executions.patch_spec(namespace.name, name, wish)
        version = patched.metadata.resource_version
        async with asyncio.timeout(WAIT_SECONDS):
            async for seen in executions.watch(namespace.name, name, version):
                if seen is not None and seen.status.phase == Phase.PAUSED:
                    return

    seconds = await _timed(pause())
    await executions.patch_spec(namespace.name, name, {"desiredState": DesiredState.RUNNING})
    await _until(executions, namespace.name, name, Phase.RUNNING)
    return seconds


async def _until(executions: Executions, namespace: str, name: str, phase: Phase) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            if (await executions.get(namespace, name)).status.phase == phase:
                return
            await asyncio.sleep(LOOK_SECONDS)


async def _first_output(url: str) -> None:
    async with a_viewer(url) as viewer:
        await viewer.call("execute", argv=["echo", "here"], terminationGracePeriodSeconds=1)
        await viewer.until("process.output")


async def _bare_pod(namespace: Namespace) -> None:
    """The runtime image alone: from its creation until the kubelet says that it has ended."""
    name = f"bare-{next(_numbers)}"
    path = object_path("/api/v1", namespace.name, "pods")
    body = {"metadata": {"name": name}, "spec": a_pod(runtime_image(), ["echo", "here"])}
    await namespace.session.request("POST", path, body=body)
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            found = await namespace.session.request("GET", f"{path}/{name}")
            if found["status"].get("phase") in ("Succeeded", "Failed"):
                return
            await asyncio.sleep(LOOK_SECONDS)


async def _timed(doing: Awaitable[object]) -> float:
    began = time.monotonic()
    await doing
    return time.monotonic() - began
