"""How fast the gateway forwards to one client, beside a relay that does nothing with the bytes.

local source -> feed -> encoder -> socket -> a client that discards
"""

from collections.abc import Iterator

from bench.harness import Bench
from bench.local import Local, Sample, local
from bench.row import AtLeast, Row

IDS = ("P1",)


def rows(bench: Bench) -> Iterator[Row]:
    size, ours, raw = bench.megabytes * 1_000_000, list[Sample](), list[Sample]()
    with local(bench.directory / "forwarding") as here:
        for _ in bench.each_round(f"P1: {bench.megabytes} MB to 1 client"):
            ours.append(_through_gateway(here, size))
            raw.append(through_relay(here, size))
    yield from forwarding("1 client, chunks", ours, raw, AtLeast(0.6), "P1")


def forwarding(
    name: str, ours: list[Sample], raw: list[Sample], goal: AtLeast, row_id: str
) -> Iterator[Row]:
    to = "raw asyncio TCP relay"
    by_cpu = [s.megabytes / s.cpu for s in ours], [s.megabytes / s.cpu for s in raw]
    yield Row(f"{name}, by CPU", "MB/CPU-s", *by_cpu, goal, id=row_id, to=to)
    by_wall = [s.megabytes / s.seconds for s in ours], [s.megabytes / s.seconds for s in raw]
    yield Row(f"{name}, wall", "MB/s", *by_wall, id=row_id, to=to)


def _through_gateway(here: Local, size: int) -> Sample:
    with here.gateway() as server:
        return here.measure(server, size)


def through_relay(here: Local, size: int, clients: int = 1) -> Sample:
    with here.relay() as server:
        return here.measure(server, size, clients=clients)
