"""The gateway: what a client that does not read costs, and how fast it forwards.

process -> runner -> devcluster's exec -> gateway -> clients in this process

Every measurement has a gateway of its own, warmed up by a first execution. CPU is the gateway's
alone, so that the rest of the path, and what else runs, do not count.
"""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import bench.source
from bench.harness import Bench
from bench.pace import Pace
from bench.readers import Counter, a_viewer
from bench.row import AtLeast, AtMost, Row
from bench.usage import cpu_seconds, peak_mib
from ccx_dev.child import Child
from ccx_dev.stack import Stack, running_stack, start_gateway, websocket_of

MIB, MEGABYTE = 1024 * 1024, 1_000_000
FAN_OUT = 10
SOURCE = bench.source.__file__

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Sample:
    megabytes: float
    """That all readers together were sent."""

    seconds: float
    cpu: float
    growth: float
    """MiB that the peak of the memory rose by."""

    @property
    def by_cpu(self) -> float:
        return self.megabytes / self.cpu

    @property
    def by_wall(self) -> float:
        return self.megabytes / self.seconds


def rows(bench: Bench) -> Iterator[Row]:
    with running_stack(bench.directory / "gateway", use_real_api=False) as stack:
        yield from _a_stalled_client(bench, stack)
        yield from _forwarding(bench, stack, 1, AtLeast(0.6))
        yield from _forwarding(bench, stack, FAN_OUT, AtLeast(0.8))


def _a_stalled_client(bench: Bench, stack: Stack) -> Iterator[Row]:
    total, alone, beside = bench.megabytes * MEGABYTE, list[Sample](), list[Sample]()
    for _ in bench.each_round("gateway: one client alone, then one beside a stalled one"):
        alone.append(_through_gateway(stack, total))
        beside.append(_through_gateway(stack, total, stalled=1))
    name = f"gateway: 1 client beside 1 that stalls, {bench.megabytes} MB, to 1 alone"
    by_wall = [s.by_wall for s in beside], [s.by_wall for s in alone]
    by_cpu = [s.by_cpu for s in beside], [s.by_cpu for s in alone]
    growth = [s.growth for s in beside], [s.growth for s in alone]
    yield Row(f"{name}, wall", "MB/s", *by_wall, AtLeast(0.97))
    yield Row(f"{name}, by CPU", "MB/CPU-s", *by_cpu, AtLeast(0.97))
    yield Row(f"{name}, memory", "MiB", *growth, AtMost(16))


def _forwarding(bench: Bench, stack: Stack, clients: int, goal: AtLeast) -> Iterator[Row]:
    total = bench.megabytes * MEGABYTE // (1 if clients == 1 else 4)
    ours, raw = list[Sample](), list[Sample]()
    for _ in bench.each_round(f"gateway: {clients} to read, then a raw TCP relay to as many"):
        ours.append(_through_gateway(stack, total, readers=clients))
        raw.append(asyncio.run(_through_relay(stack.directory, total, clients)))
    name = f"gateway: to {clients} client{'s' * (clients > 1)}, to a raw TCP relay"
    yield Row(f"{name}, wall", "MB/s", [s.by_wall for s in ours], [s.by_wall for s in raw])
    by_cpu = [s.by_cpu for s in ours], [s.by_cpu for s in raw]
    yield Row(f"{name}, by CPU", "MB/CPU-s", *by_cpu, goal)


def _through_gateway(stack: Stack, total: int, *, readers: int = 1, stalled: int = 0) -> Sample:
    gateway = start_gateway(stack.directory, stack.kubeconfig)
    try:
        return asyncio.run(_watched(gateway, stack.directory, total, readers, stalled))
    finally:
        gateway.end()


async def _watched(
    gateway: Child, directory: Path, total: int, readers: int, stalled: int
) -> Sample:
    leave = directory / f"leave-{next(_numbers)}"
    pace = Pace(leave, readers)
    async with AsyncExitStack() as sockets:
        url = websocket_of(gateway)
        everybody = [
            await sockets.enter_async_context(a_viewer(url)) for _ in range(readers + stalled)
        ]
        owner, *others = everybody
        await owner.run("true")
        argv = ["python3", SOURCE, str(total), str(leave)]
        told = await owner.call("execute", argv=argv, terminationGracePeriodSeconds=1)
        for viewer in others:
            await viewer.call("attach", execution=told["execution"])
        cpu, peak = cpu_seconds(gateway.pid), peak_mib(gateway.pid)
        pace.begin()
        reading = enumerate(everybody[:readers])
        await asyncio.gather(*(viewer.read(total, pace, n) for n, viewer in reading))
        cpu, peak = cpu_seconds(gateway.pid) - cpu, peak_mib(gateway.pid) - peak
    return Sample(total * readers / MEGABYTE, pace.seconds, cpu, peak)


async def _through_relay(directory: Path, total: int, clients: int) -> Sample:
    leave = directory / f"leave-{next(_numbers)}"
    pace = Pace(leave, clients)
    argv = [sys.executable, "-m", "bench.baselines.relay"]
    relay = Child("the raw relay", argv, log=directory / "relay.log")
    source_port, sink_port = relay.said.split()
    argv = [sys.executable, SOURCE, str(total), str(leave), source_port]
    source = Child("its source", argv, log=directory / "relay.log", ready_seconds=None)
    loop, counters = asyncio.get_running_loop(), [Counter(total, pace, n) for n in range(clients)]
    try:
        for counter in counters:
            await loop.create_connection(partial(_same, counter), "127.0.0.1", int(sink_port))
        cpu = cpu_seconds(relay.pid)
        pace.begin()
        await asyncio.gather(*(counter.done for counter in counters))
        cpu = cpu_seconds(relay.pid) - cpu
    finally:
        source.end()
        relay.end()
    return Sample(total * clients / MEGABYTE, pace.seconds, cpu, 0.0)


def _same(counter: Counter) -> Counter:
    return counter
