"""A notification for each line, beside what others make of a line: a frame, or a naive message."""

from collections.abc import Iterator

from bench.harness import Bench
from bench.local import Local, Sample, has_websocketd, local
from bench.row import AtLeast, Row
from bench.source import LINE_BYTES

IDS = ("P3",)
LINES = 200_000
NAIVE_LINES = 40_000
"""Its rate is the same for fewer, and it takes its time."""

NAME = "1 client, lines, by CPU"


def rows(bench: Bench) -> Iterator[Row]:
    ours, naive, peer = list[Sample](), list[Sample](), list[Sample]()
    with local(bench.directory / "by-lines") as here:
        for _ in bench.each_round(f"P3: {LINES} lines to 1 client, line by line"):
            ours.append(_through_gateway(here))
            naive.append(_through_naive(here))
            if has_websocketd():
                peer.append(_through_websocketd(here))
    yield _row(ours, peer, AtLeast(2.5), "websocketd")
    yield _row(ours, naive, AtLeast(10), "naive relay")
    by_wall = [s.lines / s.seconds for s in ours], [s.lines / s.seconds for s in naive]
    yield Row("1 client, lines, wall", "lines/s", *by_wall, id="P3", to="naive relay")


def _row(ours: list[Sample], theirs: list[Sample], goal: AtLeast, to: str) -> Row:
    name = f"{NAME}, to {to}"
    if not theirs:
        missing = f"{to} is not installed"
        return Row(name, "lines/CPU-s", goal=goal, id="P3", to=to, skipped=missing)
    by_cpu = [s.lines / s.cpu for s in ours], [s.lines / s.cpu for s in theirs]
    return Row(name, "lines/CPU-s", *by_cpu, goal, id="P3", to=to)


def _through_gateway(here: Local) -> Sample:
    with here.gateway("lines") as server:
        return here.measure(server, LINES * LINE_BYTES)


def _through_naive(here: Local) -> Sample:
    with here.naive() as server:
        return here.measure(server, NAIVE_LINES * LINE_BYTES)


def _through_websocketd(here: Local) -> Sample:
    with here.websocketd(LINES * LINE_BYTES) as server:
        return here.measure(server, LINES * LINE_BYTES)
