"""How fast the gateway forwards to one client, beside a relay that does nothing with the bytes.

local source -> feed -> encoder -> socket -> a client that discards
"""

from collections.abc import Iterator

from bench.harness import Bench
from bench.local import Local, Sample, local
from bench.row import AtLeast, Row

IDS = ("P1",)


def rows(bench: Bench) -> Iterator[Row]:
    """From a pipe; and over TCP, for which no goal is set: the relay is quicker by far, as it is
    brought four times as much at once."""
    with local(bench.directory / "forwarding") as here:
        for pipe in (True, False):
            yield from _of(bench, here, pipe=pipe)


def _of(bench: Bench, here: Local, *, pipe: bool) -> Iterator[Row]:
    ours, raw, size = list[Sample](), list[Sample](), bench.megabytes * 1_000_000
    origin = "a pipe" if pipe else "TCP"
    for _ in bench.each_round(f"P1: {bench.megabytes} MB from {origin} to 1 client"):
        with here.gateway(pipe=pipe) as server:
            ours.append(here.measure(server, size))
        raw.append(through_relay(here, size, pipe=pipe))
    goal = AtLeast(0.6) if pipe else None
    yield from forwarding(f"from {origin} to 1 client, chunks", ours, raw, goal, "P1")


def forwarding(
    name: str, ours: list[Sample], raw: list[Sample], goal: AtLeast | None, row_id: str
) -> Iterator[Row]:
    to = "raw asyncio TCP relay"
    by_cpu = [s.megabytes / s.cpu for s in ours], [s.megabytes / s.cpu for s in raw]
    yield Row(f"{name}, by CPU", "MB/CPU-s", *by_cpu, goal, id=row_id, to=to)
    by_wall = [s.megabytes / s.seconds for s in ours], [s.megabytes / s.seconds for s in raw]
    yield Row(f"{name}, wall", "MB/s", *by_wall, id=row_id, to=to)


def through_relay(here: Local, size: int, clients: int = 1, *, pipe: bool = False) -> Sample:
    with here.relay(pipe=pipe) as server:
        return here.measure(server, size, clients=clients)
