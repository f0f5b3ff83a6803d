"""How fast one execution's output goes to 10 and to 100 clients, beside raw TCP to as many."""

from collections.abc import Iterator

from bench.harness import Bench
from bench.local import Local, Sample, local
from bench.row import AtLeast, Row
from bench.rows.forwarding import forwarding, through_relay
from bench.source import LINE_BYTES

IDS = ("P4",)
LINES = 200_000
CLIENTS = (10, 100)
MANY = 100
NAIVE_LINES = 2_000
"""Its rate is the same for fewer: all lines to 100 clients would take it minutes."""


def rows(bench: Bench) -> Iterator[Row]:
    """From a pipe; and over TCP, for which no goal is set, as for one client (forwarding.py)."""
    with local(bench.directory / "fan-out") as here:
        for clients in CLIENTS:
            for pipe in (True, False):
                yield from _of(bench, here, clients, pipe=pipe)
        yield _beside_naive(bench, here)


def _of(bench: Bench, here: Local, clients: int, *, pipe: bool) -> Iterator[Row]:
    ours, raw, origin = list[Sample](), list[Sample](), "a pipe" if pipe else "TCP"
    for _ in bench.each_round(f"P4: {LINES} lines from {origin} to {clients} clients"):
        ours.append(_through_gateway(here, clients, pipe=pipe))
        raw.append(through_relay(here, LINES * LINE_BYTES, clients, pipe=pipe))
    name = f"from {origin} to {clients} clients, chunks"
    yield from forwarding(name, ours, raw, AtLeast(0.8) if pipe else None, "P4")


def _beside_naive(bench: Bench, here: Local) -> Row:
    ours, naive = list[float](), list[float]()
    for _ in bench.each_round(f"P4: to {MANY} clients, beside the naive relay"):
        for found, sample in (
            (ours, _through_gateway(here, MANY)),
            (naive, _through_naive(here, MANY)),
        ):
            found.append(sample.megabytes / sample.cpu)
    name = f"from TCP to {MANY} clients, chunks, by CPU, to naive"
    return Row(name, "MB/CPU-s", ours, naive, AtLeast(100), id="P4", to="naive relay")


def _through_gateway(here: Local, clients: int, *, pipe: bool = False) -> Sample:
    with here.gateway(pipe=pipe) as server:
        return here.measure(server, LINES * LINE_BYTES, clients=clients)


def _through_naive(here: Local, clients: int) -> Sample:
    with here.naive() as server:
        return here.measure(server, NAIVE_LINES * LINE_BYTES, clients=clients)
