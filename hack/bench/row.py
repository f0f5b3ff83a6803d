"""One line of the bench: samples of ours and of a baseline, round by round, and the goal. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class AtLeast:
    """So large is the ratio to the baseline to be."""

    ratio: float

    def __str__(self) -> str:
        return f"ratio >= {self.ratio:g}"

    def holds(self, row: "Row") -> bool:
        return row.ratio >= self.ratio


@dataclass(frozen=True, slots=True)
class AtMost:
    """So large may the measured value be, whatever the baseline."""

    value: float

    def __str__(self) -> str:
        return f"<= {self.value:g}"

    def holds(self, row: "Row") -> bool:
        return row.measured <= self.value


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    unit: str
    ours: Sequence[float]
    theirs: Sequence[float] = ()
    """Of the baseline, in the same rounds: what disturbs one of them disturbs both. Empty: none."""

    goal: AtLeast | AtMost | None = None

    @property
    def measured(self) -> float:
        return median(self.ours)

    @property
    def baseline(self) -> float:
        return median(self.theirs) if self.theirs else math.nan

    @property
    def ratio(self) -> float:
        """The median of the rounds' ratios, which is not the ratio of the medians."""
        if not self.theirs:
            return math.nan
        pairs = zip(self.ours, self.theirs, strict=True)
        return median(ours / theirs if theirs else math.inf for ours, theirs in pairs)

    @property
    def holds(self) -> bool | None:
        """None: there is no goal."""
        return None if self.goal is None else self.goal.holds(self)
