"""What clients that never read cost the gateway in memory while output flows; and idle ones.

process -> runner -> devcluster's exec -> gateway -> one client that reads, and those that do not

Every measurement has a gateway of its own, warmed up by a first execution.
"""

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import asdict
from itertools import count
from pathlib import Path

import bench.sink
import bench.source
from bench.harness import Bench
from bench.local import Local, local, running
from bench.pace import Pace
from bench.readers import a_viewer
from bench.row import AtMost, Row
from bench.usage import memory_kib, peak_mib
from ccx_dev.child import Child
from ccx_dev.stack import Stack, running_stack, start_gateway, websocket_of

IDS = ("P6",)
SIZE = 1 << 30
IDLE = 1_000
STALLED = {1: AtMost(16), 10: AtMost(24)}

_numbers = count(1)


def rows(bench: Bench) -> Iterator[Row]:
    with running_stack(bench.directory / "memory", use_real_api=False) as stack:
        for stalled, goal in STALLED.items():
            rounds = bench.each_round(f"P6: 1 GiB past {stalled} that never read, and past none")
            grown = [(_growth(stack, stalled), _growth(stack, 0)) for _ in rounds]
            name = f"1 GiB flows past {stalled} that never read{'s' * (stalled == 1)}, peak grows"
            ours, alone = [list(found) for found in zip(*grown, strict=True)]
            yield Row(name, "MiB", ours, alone, goal, id="P6", to="nobody stalls")
    with local(bench.directory / "idle") as here:
        rounds = bench.each_round(f"P6: {IDLE} idle clients")
        name = f"{IDLE} idle clients, each"
        yield Row(name, "KiB", [_idle(here) for _ in rounds], goal=AtMost(24), id="P6")


def _growth(stack: Stack, stalled: int) -> float:
    """MiB that the peak of the gateway's memory rises by."""
    gateway = start_gateway(stack.directory, stack.kubeconfig)
    try:
        return asyncio.run(_watched(gateway, stack.directory, stalled))
    finally:
        gateway.end()


async def _watched(gateway: Child, directory: Path, stalled: int) -> float:
    leave = directory / f"leave-{next(_numbers)}"
    pace = Pace(leave, 1)
    async with AsyncExitStack() as sockets:
        url = websocket_of(gateway)
        owner, *others = [
            await sockets.enter_async_context(a_viewer(url)) for _ in range(1 + stalled)
        ]
        await owner.run("true")
        argv = ["python3", bench.source.__file__, str(SIZE), str(leave)]
        told = await owner.call("execute", argv=argv, terminationGracePeriodSeconds=1)
        for viewer in others:
            await viewer.call("attach", execution=told["execution"])
        peak = peak_mib(gateway.pid)
        pace.begin()
        await owner.read(SIZE, pace, 0)
        return peak_mib(gateway.pid) - peak


def _idle(here: Local) -> float:
    """KiB for each, over what the gateway has without them."""
    with here.gateway() as server:
        order = server.order(0)
        order.clients, order.stalled, order.say = 0, IDLE, None
        words = [bench.local.PYTHON, bench.sink.__file__, json.dumps(asdict(order))]
        before = memory_kib(server.child.pid)
        with running(words, here.log):
            return (memory_kib(server.child.pid) - before) / IDLE
