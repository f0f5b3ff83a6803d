import json
import os
from typing import Any

import pytest

from bench.report import as_json, table
from bench.row import AtLeast, AtMost, Row
from bench.rows import groups, rows_of
from bench.usage import cpu_seconds, peak_mib


def a_row(ours: list[float], theirs: list[float], goal: AtLeast | AtMost | None = None) -> Row:
    return Row("fast", "MB/s", ours, theirs, goal)


def test_the_ratio_is_of_the_rounds_as_what_disturbs_one_disturbs_both() -> None:
    row = a_row([10, 100, 1], [20, 100, 4])
    assert (row.measured, row.baseline, row.ratio) == (10, 20, 0.5)


@pytest.mark.parametrize(
    ("ours", "goal", "holds"),
    [
        (97.0, AtLeast(0.97), True),
        (96.9, AtLeast(0.97), False),
        (16.0, AtMost(16), True),
        (16.1, AtMost(16), False),
        (1.0, None, None),
    ],
)
def test_a_goal_is_of_the_ratio_or_of_the_value(ours: float, goal: Any, holds: bool | None) -> None:
    assert a_row([ours], [100], goal).holds is holds


def test_the_table_says_what_holds_and_what_does_not() -> None:
    rows = [a_row([50], [100], AtLeast(0.97)), a_row([3.25], [0], AtMost(16)), a_row([1], [1])]
    assert table(rows).splitlines() == [
        "row   measured   baseline  ratio  goal           holds?",
        "fast  50 MB/s    100 MB/s  0.500  ratio >= 0.97  NO",
        "fast  3.25 MB/s  0 MB/s    -      <= 16          yes",
        "fast  1 MB/s     1 MB/s    1.000  -              -",
    ]


def test_every_round_is_kept_as_json() -> None:
    told = json.loads(json.dumps(as_json([a_row([1, 2], [0, 0])], {"cpus": 2})))
    assert told["machine"] == {"cpus": 2}
    (row,) = told["rows"]
    assert row["rounds"] == {"measured": [1, 2], "baseline": [0, 0]}
    assert row["ratio"] is None


def test_every_group_has_rows() -> None:
    assert "gateway" in groups()
    assert all(callable(rows_of(group)) for group in groups())


def test_the_kernel_tells_what_a_process_has_used() -> None:
    before = cpu_seconds(os.getpid())
    while cpu_seconds(os.getpid()) == before:
        pass
    assert peak_mib(os.getpid()) > 1
