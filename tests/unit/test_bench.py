import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench import baselines
from bench.quantile import quantile
from bench.report import as_json, table
from bench.row import AtLeast, AtMost, Row
from bench.rows import chosen, groups, ids_of, rows_of
from bench.sink import STAMP
from bench.source import LINE_BYTES, stamped
from bench.usage import cpu_seconds, memory_kib, peak_mib
from ccx_gateway import frame_writer


def a_row(
    ours: Sequence[float] = (),
    theirs: Sequence[float] = (),
    goal: AtLeast | AtMost | None = None,
    skipped: str = "",
    row_id: str = "P1",
) -> Row:
    return Row("fast", "MB/s", ours, theirs, goal, id=row_id, to="relay", skipped=skipped)


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
        (0.0, AtMost(16), True),
        (1.0, None, None),
    ],
)
def test_a_goal_is_of_the_ratio_or_of_the_value(ours: float, goal: Any, holds: bool | None) -> None:
    assert a_row([ours], [100], goal).holds is holds


def test_the_table_says_what_holds_and_what_does_not_and_what_was_not_measured() -> None:
    rows = [
        a_row([50], [100], AtLeast(0.97)),
        a_row([3.25], [0], AtMost(16), row_id="P6"),
        a_row([1], [1]),
        a_row(goal=AtLeast(2.5), skipped="websocketd is not installed", row_id="P3"),
    ]
    assert table(rows).splitlines() == [
        "id  row   measured                              baseline  ratio  goal           holds?",
        "P1  fast  50 MB/s                               100 MB/s  0.500  ratio >= 0.97  NO",
        "P6  fast  3.25 MB/s                             0 MB/s    -      <= 16          yes",
        "P1  fast  1 MB/s                                1 MB/s    1.000  -              -",
        "P3  fast  skipped: websocketd is not installed  -         -      ratio >= 2.5   -",
    ]


def test_the_json_is_by_id_and_in_the_goals_terms_with_every_round_and_the_machine() -> None:
    rows = [a_row([1, 2], [2, 4], AtLeast(0.6)), a_row([3], [], AtMost(16), row_id="P6")]
    told = json.loads(json.dumps(as_json(rows, {"cpus": 2})))
    kept = told["P1"].pop("rows")[0]
    assert told["P1"] == {
        "value": 0.5,
        "goal": 0.6,
        "rule": ">=",
        "unit": "of the baseline's MB/s",
        "baseline": "relay: 3 MB/s",
        "met": False,
        "run": {"cpus": 2},
    }
    assert kept["rounds"] == {"measured": [1, 2], "baseline": [2, 4]}
    entry = told["P6"]
    assert [entry[key] for key in ("value", "goal", "rule", "unit", "baseline", "met")] == [
        *(3, 16, "<=", "MB/s", None, True)
    ]


def test_of_rows_with_one_id_the_one_furthest_from_its_goal_speaks_and_all_must_hold() -> None:
    good, bad, none = a_row([9], [10], AtLeast(0.8)), a_row([7], [10], AtLeast(0.8)), a_row([1])
    assert as_json([none, good, bad], {})["P1"]["value"] == 0.7
    assert as_json([none, good, bad], {})["P1"]["met"] is False
    assert as_json([none, good], {})["P1"]["met"] is True
    assert as_json([none], {})["P1"]["met"] is None


def test_what_was_skipped_is_not_met() -> None:
    skipped = a_row(goal=AtLeast(2.5), skipped="websocketd is not installed")
    told = as_json([a_row([9], [10], AtLeast(0.8)), skipped], {})["P1"]
    assert told["met"] is None
    assert told["rows"][1]["skipped"] == "websocketd is not installed"
    assert as_json([a_row([7], [10], AtLeast(0.8)), skipped], {})["P1"]["met"] is False


def test_every_group_has_rows_and_no_two_have_an_id_in_common() -> None:
    assert all(callable(rows_of(group)) for group in groups())
    ids = [found for group in groups() for found in ids_of(group)]
    assert len(set(ids)) == len(ids)
    assert {"P1", "P3", "P4", "P5", "P6", "P7"} <= set(ids)


def test_what_is_compared_with_is_small_enough_to_be_read_and_so_is_what_writes_our_frames() -> (
    None
):
    modules = [*Path(baselines.__path__[0]).glob("*.py"), Path(frame_writer.__file__)]
    assert len(modules) > 3
    assert {m.name: n for m in modules if (n := len(m.read_text().splitlines())) > 80} == {}


def test_one_is_chosen_by_id_or_by_group_and_all_by_nothing() -> None:
    assert chosen(["P1"]) == {"forwarding": ["P1"]}
    assert chosen(["control", "C4"]) == {"control": ids_of("control"), "pods": ["C4"]}
    assert list(chosen([])) == list(groups())


def test_a_line_that_tells_when_it_was_printed_is_as_long_as_the_others() -> None:
    line = stamped(123)
    assert len(line) == LINE_BYTES
    assert [int(found) for found in STAMP.findall(line + line)] == [123, 123]


def test_a_quantile_is_one_that_was_measured() -> None:
    samples = [5, 1, 4, 2, 3]
    assert [quantile(samples, share) for share in (0.01, 0.5, 0.99)] == [1, 3, 5]


def test_the_kernel_tells_what_a_process_has_used() -> None:
    before = cpu_seconds(os.getpid())
    while cpu_seconds(os.getpid()) == before:
        pass
    assert peak_mib(os.getpid()) > 1
    assert memory_kib(os.getpid()) > 1024
