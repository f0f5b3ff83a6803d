"""What the bench prints, and what it writes for machines. Pure."""

import math
from collections.abc import Sequence
from typing import Any

from bench.row import AtLeast, AtMost, Row

HEAD = ("id", "row", "measured", "baseline", "ratio", "goal", "holds?")
HOLDS = {True: "yes", False: "NO", None: "-"}


def table(rows: Sequence[Row]) -> str:
    lines = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    text = [
        "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) for line in lines
    ]
    return "\n".join(line.rstrip() for line in text)


def as_json(rows: Sequence[Row], run: dict[str, Any]) -> dict[str, Any]:
    """By id. Of rows that share one, the row that is furthest from its goal speaks for all.

    `run` is what a figure is worth nothing without: the machine, its load, the rounds.
    """
    by_id: dict[str, list[Row]] = {}
    for row in rows:
        by_id.setdefault(row.id, []).append(row)
    return {found: {**_promise(of), "run": run} for found, of in by_id.items()}


def _promise(rows: Sequence[Row]) -> dict[str, Any]:
    with_goal = [row for row in rows if row.goal is not None]
    worst = min(with_goal, key=_margin, default=rows[0])
    held = [row.holds for row in with_goal]
    met = None if not held or None in held else True
    return {
        **_figures(worst),
        "met": False if False in held else met,
        "rows": [_object(row) for row in rows],
    }


def _margin(row: Row) -> float:
    return math.inf if math.isnan(row.margin) else row.margin


def _figures(row: Row) -> dict[str, Any]:
    """The value is in the goal's terms: a ratio to the baseline, or what was measured."""
    value, goal, rule, unit = row.measured, None, None, row.unit
    match row.goal:
        case AtLeast(ratio):
            value, goal, rule, unit = row.ratio, ratio, ">=", f"of the baseline's {unit}"
        case AtMost(most):
            goal, rule = most, "<="
    told = f"{row.to}: {_short(row.baseline)} {row.unit}" if row.theirs else None
    return {"value": _finite(value), "goal": goal, "rule": rule, "unit": unit, "baseline": told}


def _object(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        **_figures(row),
        "met": row.holds,
        "measured": _finite(row.measured),
        "rounds": {"measured": list(row.ours), "baseline": list(row.theirs)},
        **({"skipped": row.skipped} if row.skipped else {}),
    }


def _cells(row: Row) -> tuple[str, ...]:
    if row.skipped:
        goal = str(row.goal) if row.goal is not None else "-"
        return (row.id, row.name, f"skipped: {row.skipped}", "-", "-", goal, "-")
    return (
        row.id,
        row.name,
        f"{_short(row.measured)} {row.unit}",
        f"{_short(row.baseline)} {row.unit}" if row.theirs else "-",
        f"{row.ratio:.3f}" if math.isfinite(row.ratio) else "-",
        str(row.goal) if row.goal is not None else "-",
        HOLDS[row.holds],
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
