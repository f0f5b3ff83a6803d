"""The usage of a day or a month by model, as the text that people read. Pure.

text <- read() / written() -> {model: Tally}

Whoever may edit ConfigMaps may write anything into it, and what a model is called is the agent's
word: both are bounded here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Final

import yaml

MAX_MODELS: Final = 12
"""By name, in one text; the rest is OTHER."""

OTHER: Final = "other models"
NO_MODEL: Final = "no model"
"""Commands, and what ended before Claude Code said which."""

MAX_TEXT: Final = 16_384
"""More than 13 models need, and as long as may be parsed."""

COUNTS: Final = (
    "succeeded",
    "failed",
    "cancelled",
    "activeSeconds",
    "inputTokens",
    "outputTokens",
    "cacheReadTokens",
    "cacheCreationTokens",
)
COST: Final = "costUSD"

_MAX_COUNT: Final = 10**15
_MAX_COST: Final = Decimal(10**12)
_CENT_OF_A_CENT: Final = Decimal("0.000001")


class UnreadableError(Exception):
    """Somebody else has written there; the text says what."""


@dataclass(frozen=True, slots=True)
class Tally:
    counts: Mapping[str, int] = field(default_factory=dict)
    cost: Decimal = Decimal(0)

    def __add__(self, other: "Tally") -> "Tally":
        counts = {name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in COUNTS}
        return Tally(counts, min(self.cost + other.cost, _MAX_COST))


Tallies = Mapping[str, Tally]


def plus(tallies: Tallies, model: str, tally: Tally) -> Tallies:
    if model not in tallies and len(tallies.keys() - {OTHER}) >= MAX_MODELS:
        model = OTHER
    return {**tallies, model: tallies.get(model, Tally()) + tally}


def written(tallies: Tallies) -> str:
    """What is 0 is left out."""
    return yaml.safe_dump(
        {model: _lines(tally) for model, tally in tallies.items()}, sort_keys=False
    )


def read(text: str) -> Tallies:
    if len(text) > MAX_TEXT:
        raise UnreadableError(f"has more than {MAX_TEXT} characters")
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        raise UnreadableError("is no YAML") from exc
    if not isinstance(found, dict):
        raise UnreadableError("is not a list of models with their counts")
    return {str(model): _tally(lines) for model, lines in found.items()}


def amount(text: object) -> Decimal:
    """US dollars; 0 for what is none."""
    try:
        found = Decimal(str(text))
    except InvalidOperation:
        return Decimal(0)
    if not found.is_finite() or found <= 0:
        return Decimal(0)
    return min(found, _MAX_COST).quantize(_CENT_OF_A_CENT)


def model_name(word: str | None) -> str:
    """Fit for one line: what is odd in it is a question mark."""
    plain = "".join(c if c.isascii() and c.isprintable() else "?" for c in (word or "")[:64])
    return plain.strip() or NO_MODEL


def _lines(tally: Tally) -> dict[str, int | str]:
    lines: dict[str, int | str] = {
        name: min(count, _MAX_COUNT) for name in COUNTS if (count := tally.counts.get(name, 0)) > 0
    }
    if tally.cost:
        lines[COST] = f"{tally.cost.normalize():f}"
    return lines


def _tally(lines: object) -> Tally:
    if not isinstance(lines, dict):
        raise UnreadableError("is not a list of models with their counts")
    counts = {name: lines.get(name, 0) for name in COUNTS}
    for name, count in counts.items():
        if not isinstance(count, int):
            raise UnreadableError(f"has a {name} that is no number")
    return Tally(counts, amount(lines.get(COST, 0)))
