"""What the bench prints, and what it writes for machines. Pure."""

import math
from collections.abc import Sequence
from typing import Any

from bench.row import Row

HEAD = ("row", "measured", "baseline", "ratio", "goal", "holds?")
HOLDS = {True: "yes", False: "NO", None: "-"}


def table(rows: Sequence[Row]) -> str:
    lines = [HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    text = [
        "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) for line in lines
    ]
    return "\n".join(line.rstrip() for line in text)


def as_json(rows: Sequence[Row], machine: dict[str, Any]) -> dict[str, Any]:
    return {"machine": machine, "rows": [_object(row) for row in rows]}


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.name,
        f"{_short(row.measured)} {row.unit}",
        f"{_short(row.baseline)} {row.unit}" if row.theirs else "-",
        f"{row.ratio:.3f}" if math.isfinite(row.ratio) else "-",
        str(row.goal) if row.goal is not None else "-",
        HOLDS[row.holds],
    )


def _object(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "unit": row.unit,
        "measured": row.measured,
        "baseline": row.baseline if row.theirs else None,
        "ratio": row.ratio if math.isfinite(row.ratio) else None,
        "goal": str(row.goal) if row.goal is not None else None,
        "holds": row.holds,
        "rounds": {"measured": list(row.ours), "baseline": list(row.theirs)},
    }


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
