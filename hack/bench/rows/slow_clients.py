"""What those that hardly read take from others: one that stalls, and one at a byte a second."""

from collections.abc import Iterator

from bench.harness import Bench
from bench.local import Local, Sample, local
from bench.row import AtLeast, Row

IDS = ("P7",)
FAST = 8
"""Of ten."""


def rows(bench: Bench) -> Iterator[Row]:
    size, alone, beside = bench.megabytes * 1_000_000, list[Sample](), list[Sample]()
    with local(bench.directory / "slow-clients") as here:
        for _ in bench.each_round(f"P7: {FAST} clients alone, then beside two that hardly read"):
            alone.append(_measure(here, size, slow=0))
            beside.append(_measure(here, size, slow=1))
    name = f"{FAST} clients beside 1 that stalls and 1 at 1 byte/s"
    to = "the same clients alone"
    by_wall = [s.megabytes / s.seconds for s in beside], [s.megabytes / s.seconds for s in alone]
    yield Row(f"{name}, wall", "MB/s", *by_wall, AtLeast(0.97), id="P7", to=to)
    by_cpu = [s.megabytes / s.cpu for s in beside], [s.megabytes / s.cpu for s in alone]
    yield Row(f"{name}, by CPU", "MB/CPU-s", *by_cpu, id="P7", to=to)


def _measure(here: Local, size: int, *, slow: int) -> Sample:
    with here.gateway() as server:
        return here.measure(server, size, clients=FAST, stalled=slow, trickling=slow)
