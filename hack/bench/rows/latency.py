"""How long a line takes from its print to a client, at a pace that nobody is busy with."""

from collections.abc import Iterator

from bench.harness import Bench
from bench.local import Sample, local
from bench.quantile import quantile
from bench.row import AtMost, Row
from bench.source import LINE_BYTES

IDS = ("P5",)
PER_SECOND, LINES = 500, 2_000
GOALS = {0.5: AtMost(1.0), 0.99: AtMost(5.0)}


def rows(bench: Bench) -> Iterator[Row]:
    ours, raw = list[Sample](), list[Sample]()
    with local(bench.directory / "latency") as here:
        for _ in bench.each_round(f"P5: {LINES} lines at {PER_SECOND} a second"):
            with here.gateway() as server:
                ours.append(here.measure(server, LINES * LINE_BYTES, per_second=PER_SECOND))
            with here.relay() as server:
                raw.append(here.measure(server, LINES * LINE_BYTES, per_second=PER_SECOND))
    for share, goal in GOALS.items():
        name = f"a line from its print to a client, p{share * 100:.0f}"
        found, theirs = ([quantile(s.stamps, share) for s in of] for of in (ours, raw))
        yield Row(name, "ms", found, theirs, goal, id="P5", to="raw asyncio TCP relay")
