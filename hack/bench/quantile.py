"""The quantile of a few samples. Pure."""

import math
from collections.abc import Sequence


def quantile(samples: Sequence[float], share: float) -> float:
    """The nearest one that was measured."""
    return sorted(samples)[math.ceil(share * len(samples)) - 1]
