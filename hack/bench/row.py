"""One line of the bench: samples of ours and of a baseline, round by round, and the goal. Pure."""

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class AtLeast:
    """So large is the ratio to the baseline to be."""

    ratio: float

    def __str__(self) -> str:
        return f"ratio >= {self.ratio:g}"

    def margin(self, row: "Row") -> float:
        """1 or more: it holds."""
        return row.ratio / self.ratio


@dataclass(frozen=True, slots=True)
class AtMost:
    """So large may the measured value be, whatever the baseline."""

    value: float

    def __str__(self) -> str:
        return f"<= {self.value:g}"

    def margin(self, row: "Row") -> float:
        return self.value / row.measured if row.measured > 0 else math.inf


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    unit: str
    ours: Sequence[float] = ()
    """Empty: it could not be measured, and `skipped` says why."""

    theirs: Sequence[float] = ()
    """Of the baseline, in the same rounds: what disturbs one of them disturbs both. Empty: none."""

    goal: AtLeast | AtMost | None = None
    _: KW_ONLY
    id: str
    """Of what is promised, such as P1. Several rows may share one: then all of them must hold."""

    to: str = ""
    """What the baseline is."""

    skipped: str = ""

    @property
    def measured(self) -> float:
        return median(self.ours) if self.ours else math.nan

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
    def margin(self) -> float:
        return math.nan if self.goal is None or self.skipped else self.goal.margin(self)

    @property
    def holds(self) -> bool | None:
        """None: there is no goal, or it was not measured."""
        return None if math.isnan(self.margin) else self.margin >= 1
