"""The whole path on devcluster, with the CPU of each part: what a gigabyte of output costs.

And in real pods where a cluster is up: pods_path.py.

process -> runner (spool, hash, stream-json) -> link.py -> exec -> gateway -> a client that reads

Beside it, where there is a kubectl, the log of a pod by `kubectl logs -f`.

The process plays Claude, so that its output is read as stream-json. With `Block` it waits for the
client, so that every byte goes the whole way and nothing has to pace it.
"""

import asyncio
import shutil
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

import bench.claude
from bench import pods_path
from bench.cluster import Namespace, has_kubernetes
from bench.harness import Bench
from bench.kubectl_rate import logs_rate
from bench.pace import Pace
from bench.processes import parent
from bench.readers import Viewer, a_viewer
from bench.row import AtMost, Row
from bench.usage import cpu_seconds
from ccx_dev.stack import Stack, running_stack, start_gateway, websocket_of
from ccx_kube.session import KubeSession

IDS: Final = ("P2",)
BYTES: Final = 100_000_000
"""A million lines of 100 bytes."""

PARTS: Final = ("runner", "link", "API server and kubelet", "gateway")
GOALS: Final = {"gateway": 10.0, "runner and link": 6.5}
"""CPU seconds for a gigabyte; a million lines for each CPU second of the gateway are 10."""

_numbers = count(1)

Sample = dict[str, float]


def rows(bench: Bench) -> Iterator[Row]:
    directory = bench.directory / "true-path"
    with running_stack(directory, use_real_api=False, claude=_claude(directory / "bin")) as stack:
        samples = [
            _measure(stack) for _ in bench.each_round("true path: a million lines to one client")
        ]
    name = "true path: 1,000,000 lines"
    for part in (*PARTS, "runner and link"):
        goal = AtMost(GOALS[part]) if part in GOALS else None
        used = [found[part] for found in samples]
        yield Row(f"{name}, {part}", "CPU s/GB", used, goal=goal, id="P2")
    rates = [found["rate"] for found in samples]
    logs = [found["logs"] for found in samples if "logs" in found]
    to = "kubectl logs -f" if logs else ""
    yield Row(f"{name}, wall", "MB/s", rates, logs, id="P2", to=to)
    if has_kubernetes():
        yield from pods_path.rows(bench)


def _claude(directory: Path) -> Path:
    """A folder for PATH with a program of that name."""
    directory.mkdir(parents=True, exist_ok=True)
    program = directory / "claude"
    program.write_text(f"#!/bin/sh\nexec {sys.executable} -I -S {bench.claude.__file__}\n")
    program.chmod(0o755)
    return directory


def _measure(stack: Stack) -> Sample:
    """A gateway of its own for each round, as for other rows."""
    gateway = start_gateway(stack.directory, stack.kubeconfig)
    try:
        found = asyncio.run(_through(stack, gateway.pid, websocket_of(gateway)))
    finally:
        gateway.end()
    kubectl = shutil.which("kubectl")
    if kubectl is not None:
        found["logs"] = asyncio.run(_logs(stack, kubectl))
    return found


async def _logs(stack: Stack, kubectl: str) -> float:
    base = [kubectl, "--kubeconfig", str(stack.kubeconfig)]
    async with await KubeSession.from_environment(str(stack.kubeconfig)) as session:
        return await logs_rate(Namespace(session, "default"), base, "devcluster/runtime")


async def _through(stack: Stack, gateway: int, url: str) -> Sample:
    leave = stack.directory / f"leave-{next(_numbers)}"
    async with a_viewer(url) as viewer:
        await viewer.run("true")
        told = await _execute(viewer, leave)
        runner = parent(int(str(told["pid"])))
        pids = {"runner": runner, "API server and kubelet": stack.cluster.pid, "gateway": gateway}
        before = {part: cpu_seconds(pid) for part, pid in pids.items()}
        links = _links(runner)
        pace = Pace(leave, 1)
        pace.begin()
        await viewer.read(BYTES, pace, 0)
        used = {part: cpu_seconds(pid) - before[part] for part, pid in pids.items()}
        opened = _links(runner)
        used["link"] = sum(opened.values()) - sum(links.get(pid, 0.0) for pid in opened)
        leave.unlink()
        await viewer.until("process.completed")
    found = {part: seconds * 1e9 / BYTES for part, seconds in used.items()}
    found["runner and link"] = found["runner"] + found["link"]
    return {**found, "rate": BYTES / 1e6 / pace.seconds}


async def _execute(viewer: Viewer, leave: Path) -> dict[str, object]:
    env = {"BENCH_BYTES": str(BYTES), "BENCH_LEAVE": str(leave)}
    return await viewer.call(
        "execute",
        prompt="print",
        env=[{"name": name, "value": value} for name, value in env.items()],
        output={"overflow": "Block"},
    )


def _links(runner: int) -> dict[int, float]:
    """CPU seconds of all that are open: the gateway's, and for a while one of the operator's."""
    wanted = f"CCX_RUNNER_PID={runner}".encode()
    found = (process for process in Path("/proc").glob("[0-9]*") if _is_link(process, wanted))
    return {int(process.name): cpu_seconds(int(process.name)) for process in found}


def _is_link(process: Path, wanted: bytes) -> bool:
    try:
        argv = (process / "cmdline").read_bytes().split(b"\0")
        if not any(word.endswith(b"/link.py") for word in argv):
            return False
        return wanted in (process / "environ").read_bytes().split(b"\0")
    except OSError:  # it has gone meanwhile
        return False
