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
    with local(bench.directory / "fan-out") as here:
        for clients in CLIENTS:
            ours, raw, naive = list[Sample](), list[Sample](), list[Sample]()
            for _ in bench.each_round(f"P4: {LINES} lines to {clients} clients"):
                ours.append(_through_gateway(here, clients))
                raw.append(through_relay(here, LINES * LINE_BYTES, clients))
                if clients == MANY:
                    naive.append(_through_naive(here, clients))
            yield from forwarding(f"{clients} clients, chunks", ours, raw, AtLeast(0.8), "P4")
            if naive:
                by_cpu = [s.megabytes / s.cpu for s in ours], [s.megabytes / s.cpu for s in naive]
                name, to = f"{clients} clients, chunks, by CPU, to naive", "naive relay"
                yield Row(name, "MB/CPU-s", *by_cpu, AtLeast(100), id="P4", to=to)


def _through_gateway(here: Local, clients: int) -> Sample:
    with here.gateway() as server:
        return here.measure(server, LINES * LINE_BYTES, clients=clients)


def _through_naive(here: Local, clients: int) -> Sample:
    with here.naive() as server:
        return here.measure(server, NAIVE_LINES * LINE_BYTES, clients=clients)
