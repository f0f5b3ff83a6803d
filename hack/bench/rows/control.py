"""How quick control is beside 200 idle executions and a stream at full speed, on both clusters.

WebSocket -> gateway -> link -> runner -> every process     or     kubectl patch -> operator -> link

Taken from outside: until /proc says that every process has stopped, runs, or has gone.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from bench.cluster import has_kubernetes
from bench.ground import Ground, on_devcluster, on_kubernetes
from bench.harness import Bench
from bench.processes import WAIT_SECONDS, is_frozen, is_gone, kill_seconds, runs, states
from bench.quantile import quantile
from bench.readers import Viewer, a_viewer
from bench.row import AtMost, Row
from ccx_api.names import API_VERSION, KIND
from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_dev.child import Child, StackError
from ccx_kube.executions import Executions

IDS = ("C1", "C2", "C3")
IDLE, CONTROLS, CANCELS = 200, 20, 5
"""Executions beside it; and how often each is measured in a round."""

AT_A_TIME = 8
GRACE_SECONDS = 1
LOOK_SECONDS = 0.1
SETTLE_SECONDS = 2.0
"""After a start: the operator's first look at it would be measured, too."""

BETWEEN_SECONDS = 0.25
"""Before each: what the operator has to write of one would be measured with the next."""

POLL_SECONDS = 0.001
"""Between looks into /proc: to look without a pause would take from the cores what it measures."""

IDLE_SPEC = {
    "command": ["sleep", "7200"],
    "stallTimeoutSeconds": 7200,  # they take minutes to start, and silence is no stall here
    "terminationGracePeriodSeconds": 1,
}
LOOP = ["sh", "-c", "for n in 1 2 3 4; do sleep 600 & done; while :; do sleep 0.05; done"]
DEAF = ["sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"]

Samples = dict[str, list[float]]


def rows(bench: Bench) -> Iterator[Row]:
    """Of Kubernetes where one is up on this machine."""
    yield from _rows(bench, "devcluster", on_devcluster(bench))
    if has_kubernetes():
        yield from _rows(bench, "Kubernetes", on_kubernetes(bench))


def _rows(bench: Bench, where: str, ground: AbstractAsyncContextManager[Ground]) -> Iterator[Row]:
    samples = asyncio.run(_measure(bench, ground))

    def row(row_id: str, name: str, of: str, share: float, goal: float, to: str = "") -> Row:
        ours = [quantile(found[of], share) * 1000 for found in samples]
        theirs = [quantile(found[to], share) * 1000 for found in samples] if to else []
        label = f"{where}: {name}, p{share * 100:.0f}"
        baseline = to and "STOP to the group"
        return Row(label, "ms", ours, theirs, AtMost(goal), id=row_id, to=baseline)

    for verb, what in (("PAUSE", "frozen"), ("RESUME", "running"), ("CANCEL", "gone")):
        name = f"{verb} over the WebSocket until every process is {what}"
        yield row("C1", name, verb, 0.5, 20, to="kill" if verb == "PAUSE" else "")
        yield row("C1", name, verb, 0.99, 150, to="kill" if verb == "PAUSE" else "")
    name = "a patch of spec.desiredState until every process is frozen"
    yield row("C2", name, "patch", 0.99, 500)
    yield row("C3", "what ignores TERM, until it is gone, beyond its grace", "deaf", 0.99, 2000)


async def _measure(bench: Bench, where: AbstractAsyncContextManager[Ground]) -> list[Samples]:
    async with where as ground, AsyncExitStack() as ends:
        with bench.step(f"control on {ground.name}: starts {IDLE} idle executions"):
            await _idle(ground)
        argv = [sys.executable, "-m", "bench.full_stream", ground.websocket]
        log = bench.directory / "stream.log"
        stream = Child("the stream", argv, log=log, ready_seconds=WAIT_SECONDS)
        ends.callback(stream.end)
        rounds = bench.each_round(f"control on {ground.name}: beside them and a full stream")
        found = [await _round(ground) for _ in rounds]
        if stream.has_ended:
            raise StackError("the stream has ended: the figures would be of something else")
        return found


async def _idle(ground: Ground) -> None:
    numbers = iter(range(IDLE))

    async def start() -> None:
        for number in numbers:
            name = f"idle-{number}"
            body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}}
            await Executions(ground.at.session).create(ground.at.name, {**body, "spec": IDLE_SPEC})
            await _until_running(ground, name)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_A_TIME):
            tasks.create_task(start())


async def _round(ground: Ground) -> Samples:
    found: Samples = {}
    async with a_viewer(ground.websocket) as viewer:
        name, runner = await _start(ground, viewer, LOOP)
        for _ in range(CONTROLS):
            for verb, is_done in (("PAUSE", is_frozen), ("RESUME", runs)):
                took = _until_done(viewer.call("control", type=verb), is_done, runner)
                found.setdefault(verb, []).append(await took)
        for _ in range(CONTROLS):
            patched = _until_done(_wish(ground, name, "Paused"), is_frozen, runner)
            found.setdefault("patch", []).append(await patched)
            await _until_done(_wish(ground, name, "Running"), runs, runner)
        found["kill"] = [kill_seconds(runner) for _ in range(CONTROLS)]
        await _until_done(viewer.call("control", type="CANCEL"), is_gone, runner)
    for verb, argv, share in (("CANCEL", LOOP, 0), ("deaf", DEAF, GRACE_SECONDS)):
        found[verb] = [await _cancelled(ground, argv) - share for _ in range(CANCELS)]
    return found


async def _cancelled(ground: Ground, argv: list[str]) -> float:
    async with a_viewer(ground.websocket) as viewer:
        _, runner = await _start(ground, viewer, argv)
        await asyncio.sleep(SETTLE_SECONDS)
        return await _until_done(viewer.call("control", type="CANCEL"), is_gone, runner)


async def _start(ground: Ground, viewer: Viewer, argv: list[str]) -> tuple[str, int]:
    """Its name and its runner's pid. Its whole tree is there by then."""
    told = await viewer.call("execute", argv=argv, terminationGracePeriodSeconds=GRACE_SECONDS)
    name = str(told["execution"])
    running = await _until_running(ground, name)
    return name, ground.runner_of(int(told["pid"]), running.status.pod_uid)


async def _until_done(
    asking: Awaitable[object], is_done: Callable[[Iterator[str]], bool], runner: int
) -> float:
    """Seconds from the request until that is so, whenever the answer comes."""
    await asyncio.sleep(BETWEEN_SECONDS)
    began, asked = time.monotonic(), asyncio.ensure_future(asking)
    async with asyncio.timeout(WAIT_SECONDS):
        while not is_done(states(runner)):  # noqa: ASYNC110 - processes tell nobody
            await asyncio.sleep(POLL_SECONDS)
        took = time.monotonic() - began
        await asked
    return took


async def _until_running(ground: Ground, name: str) -> ClaudeExecution:
    executions = Executions(ground.at.session)
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            found = await executions.get(ground.at.name, name)
            if found.status.phase is Phase.RUNNING:
                return found
            await asyncio.sleep(LOOK_SECONDS)


async def _wish(ground: Ground, name: str, state: str) -> None:
    wish = {"desiredState": state}
    await Executions(ground.at.session).patch_spec(ground.at.name, name, wish)
