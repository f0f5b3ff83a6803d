"""How quick control is beside 200 idle executions and a stream at full speed: on devcluster.

WebSocket -> gateway -> link -> runner -> every process     or     kubectl patch -> operator -> link

Taken from outside: until /proc says that every process has stopped, runs, or has gone. The rows of
`pods` say the same of a real cluster, by the runner's own proof.
"""

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path

import aiohttp

import bench.source
from bench.harness import Bench
from bench.pace import Pace
from bench.quantile import quantile
from bench.readers import Viewer, a_viewer
from bench.row import AtMost, Row
from ccx_api.names import API_VERSION, KIND, PLURAL
from ccx_dev.stack import Stack, running_stack

IDS = ("C1", "C2", "C3")
IDLE, CONTROLS, CANCELS = 200, 20, 5
"""Executions beside it; and how often each is measured in a round."""

AT_A_TIME = 8
WAIT_SECONDS = 180.0
GRACE_SECONDS = 1
STREAM_BYTES = 1 << 40
"""More than a bench will ever read."""

LOOP = ["sh", "-c", "for n in 1 2 3 4; do sleep 600 & done; while :; do sleep 0.05; done"]
DEAF = ["sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"]
_EXECUTIONS = f"/apis/{API_VERSION}/namespaces/default/{PLURAL}"
_numbers = count(1)

Samples = dict[str, list[float]]


def rows(bench: Bench) -> Iterator[Row]:
    with running_stack(bench.directory / "control", use_real_api=False) as stack:
        samples = asyncio.run(_measure(bench, stack))

    def row(
        row_id: str, name: str, of: str, share: float, goal: float | None = None, to: str = ""
    ) -> Row:
        ours = [quantile(found[of], share) * 1000 for found in samples]
        theirs = [quantile(found[to], share) * 1000 for found in samples] if to else []
        label = f"control: {name}, p{share * 100:.0f}"
        most = None if goal is None else AtMost(goal)
        return Row(label, "ms", ours, theirs, most, id=row_id, to=to and "STOP to the group")

    for verb, what in (("PAUSE", "frozen"), ("RESUME", "running"), ("CANCEL", "gone")):
        name = f"{verb} over the WebSocket until every process is {what}"
        yield row("C1", name, verb, 0.5, 20, to="kill" if verb == "PAUSE" else "")
        yield row("C1", name, verb, 0.99, 150, to="kill" if verb == "PAUSE" else "")
    name = "a patch of spec.desiredState until every process is frozen"
    yield row("C2", name, "patch", 0.99, 500)
    yield row("C3", "what ignores TERM, until it is gone, beyond its grace", "deaf", 0.99, 2000)


async def _measure(bench: Bench, stack: Stack) -> list[Samples]:
    async with AsyncExitStack() as ends:
        http = await ends.enter_async_context(aiohttp.ClientSession(stack.url))
        with bench.step(f"control: starts {IDLE} idle executions"):
            await _idle(http)
        stream = await ends.enter_async_context(a_viewer(stack.websocket))
        reading = asyncio.create_task(_stream(stack, stream))
        ends.callback(reading.cancel)
        rounds = bench.each_round("control: beside them and a stream at full speed")
        found = [await _round(stack, http) for _ in rounds]
        if reading.done():
            reading.result()  # without a stream the figures would be of something else
        return found


async def _idle(http: aiohttp.ClientSession) -> None:
    numbers = iter(range(IDLE))

    async def start() -> None:
        for number in numbers:
            spec = {"command": ["sleep", "3600"], "terminationGracePeriodSeconds": 1}
            await _create(http, f"idle-{number}", spec)
            await _until_running(http, f"idle-{number}")

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_A_TIME):
            tasks.create_task(start())


async def _stream(stack: Stack, viewer: Viewer) -> None:
    leave = stack.directory / f"leave-{next(_numbers)}"
    argv = ["python3", bench.source.__file__, str(STREAM_BYTES), str(leave)]
    await viewer.call("execute", argv=argv, terminationGracePeriodSeconds=1)
    pace = Pace(leave, 1)
    pace.begin()
    await viewer.read(STREAM_BYTES, pace, 0)


async def _round(stack: Stack, http: aiohttp.ClientSession) -> Samples:
    found: Samples = {}
    async with a_viewer(stack.websocket) as viewer:
        told = await viewer.call("execute", argv=LOOP, terminationGracePeriodSeconds=1)
        name = str(told["execution"])
        runner = await _runner_of(http, name)
        for _ in range(CONTROLS):
            for verb, is_done in (("PAUSE", _is_frozen), ("RESUME", _runs)):
                took = _until_done(viewer.call("control", type=verb), is_done, runner)
                found.setdefault(verb, []).append(await took)
        for _ in range(CONTROLS):
            patched = _until_done(_wish(http, name, "Paused"), _is_frozen, runner)
            found.setdefault("patch", []).append(await patched)
            await _until_done(_wish(http, name, "Running"), _runs, runner)
        found["kill"] = [_killed(runner) for _ in range(CONTROLS)]
        await _until_done(viewer.call("control", type="CANCEL"), _is_gone, runner)
    for verb, argv, share in (("CANCEL", LOOP, 0), ("deaf", DEAF, GRACE_SECONDS)):
        found[verb] = [await _cancelled(stack, http, argv) - share for _ in range(CANCELS)]
    return found


async def _cancelled(stack: Stack, http: aiohttp.ClientSession, argv: list[str]) -> float:
    async with a_viewer(stack.websocket) as viewer:
        grace = {"terminationGracePeriodSeconds": GRACE_SECONDS}
        told = await viewer.call("execute", argv=argv, **grace)
        runner = await _runner_of(http, str(told["execution"]))
        return await _until_done(viewer.call("control", type="CANCEL"), _is_gone, runner)


async def _until_done(
    asking: Awaitable[object], is_done: Callable[[list[str]], bool], runner: int
) -> float:
    """Seconds from the request until that is so, whenever the answer comes."""
    began, asked = time.monotonic(), asyncio.ensure_future(asking)
    async with asyncio.timeout(WAIT_SECONDS):
        while not is_done(_states(runner)):  # noqa: ASYNC110 - processes tell nobody
            await asyncio.sleep(0.0005)
        took = time.monotonic() - began
        await asked
    return took


def _killed(runner: int) -> float:
    """The baseline: a new process stops the process group, as a `kubectl exec` of kill would."""
    (child,) = _children(runner)[:1]
    began = time.monotonic()
    subprocess.run(["sh", "-c", f"kill -s STOP -- -{child}"], check=True)
    while _state(child) != "T":
        if time.monotonic() > began + WAIT_SECONDS:
            raise TimeoutError("the process group does not stop")
    took = time.monotonic() - began
    subprocess.run(["sh", "-c", f"kill -s CONT -- -{child}"], check=True)
    return took


def _is_frozen(states: list[str]) -> bool:
    return bool(states) and set(states) <= {"T", "Z"}


def _runs(states: list[str]) -> bool:
    return bool(states) and "T" not in states


def _is_gone(states: list[str]) -> bool:
    return not states


def _states(runner: int) -> list[str]:
    """Of every descendant, by the kernel."""
    found, waiting = list[str](), _children(runner)
    while waiting:
        pid = waiting.pop(0)
        if state := _state(pid):
            found.append(state)
            waiting += _children(pid)
    return found


def _state(pid: int) -> str:
    """Empty: it has gone."""
    stat = _stat(pid)
    return stat[0] if stat else ""


def _stat(pid: int) -> list[str]:
    """What stands behind the name: state, parent, ..."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _children(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8")
    except OSError:
        return []
    return [int(word) for word in text.split()]


async def _runner_of(http: aiohttp.ClientSession, name: str) -> int:
    """The parent of its process. Its whole tree is there by then."""
    return int(_stat(await _until_running(http, name))[1])


async def _until_running(http: aiohttp.ClientSession, name: str) -> int:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            async with http.get(f"{_EXECUTIONS}/{name}") as answer:
                status = (await answer.json()).get("status") or {}
            if status.get("phase") == "Running" and (pid := status.get("process", {}).get("pid")):
                return int(pid)
            await asyncio.sleep(0.05)


async def _create(http: aiohttp.ClientSession, name: str, spec: dict[str, object]) -> None:
    metadata = {"name": name, "namespace": "default"}
    body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}
    async with http.post(_EXECUTIONS, json=body) as answer:
        answer.raise_for_status()


async def _wish(http: aiohttp.ClientSession, name: str, state: str) -> None:
    patch = {"spec": {"desiredState": state}}
    kind = {"Content-Type": "application/merge-patch+json"}
    async with http.patch(f"{_EXECUTIONS}/{name}", json=patch, headers=kind) as answer:
        answer.raise_for_status()
