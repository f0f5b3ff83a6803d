"""What every group of rows is given: how long to measure, where to write, whom to tell."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Bench:
    rounds: int
    megabytes: int
    """Of output in each measurement that moves output."""

    directory: Path

    def each_round(self, what: str) -> Iterator[int]:
        """Tell how far it is: a bench takes minutes."""
        for number in range(1, self.rounds + 1):
            with self.step(f"{what}, round {number} of {self.rounds}"):
                yield number

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        began = time.monotonic()
        print(f"bench: {what} ...", file=sys.stderr, end=" ", flush=True)
        yield
        print(f"{time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
