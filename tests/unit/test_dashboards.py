"""charts/cc-executor/dashboards, as they are rendered. That each query finds something is
tests/integration/test_observed.py's."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.metering import gateway_page, operator_page
from support.prometheus import MISSING, PROMTOOL
from support.promql import BOARDS, asked, board, names, of_boards, of_rules, panels

FOUR = ["executions", "operator", "overview", "streaming"]


def every_panel() -> list[Any]:
    return [
        pytest.param(panel, id=f"{path.stem} / {panel['title']}")
        for path in BOARDS
        for panel in panels(path)
    ]


def test_there_are_four_with_uids_of_their_own_that_find_each_other() -> None:
    boards = {path.stem: board(path) for path in BOARDS}
    assert sorted(boards) == FOUR
    for name, found in boards.items():
        assert found["uid"] == f"ccx-{name}"
        (link,) = found["links"]
        assert (link["type"], link["includeVars"], link["keepTime"]) == ("dashboards", True, True)
        assert set(link["tags"]) <= set(found["tags"])
        assert [v["name"] for v in found["templating"]["list"]] == ["datasource", "namespace"]


@pytest.mark.parametrize("panel", every_panel())
def test_a_panel_says_what_it_shows_in_which_unit_and_asks_the_chosen_source(
    panel: dict[str, Any],
) -> None:
    assert len(panel["description"]) >= len("What runs.")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["targets"]
    for asks in (panel, *panel["targets"]):
        assert asks["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    for target in panel["targets"]:
        assert 'namespace=~"$namespace"' in target["expr"]
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references)


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_no_panel_lies_over_another(path: Path) -> None:
    taken = set[tuple[int, int]]()
    ids = [panel["id"] for panel in board(path)["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in board(path)["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        taken |= cells


def test_only_metrics_are_asked_for_that_there_are() -> None:
    page = operator_page() + gateway_page()
    served = {"up"} | {name for name, *_ in re.findall(r"^(\w+?)(\{| )", page, re.MULTILINE)}
    typed = set(re.findall(r"^# TYPE (\w+)", page, re.MULTILINE))
    for place, expr in (of_boards() | of_rules()).items():
        assert names(expr), place
        for name in names(expr):
            assert name in served | typed, f"{place}: {name}"


def test_every_metric_is_on_a_dashboard() -> None:
    page = operator_page() + gateway_page()
    families = set(re.findall(r"^# TYPE (ccx_\w+)", page, re.MULTILINE))
    shown = {re.sub("_bucket$", "", name) for expr in of_boards().values() for name in names(expr)}
    assert families - shown == set()


@pytest.mark.skipif(PROMTOOL is None, reason=MISSING)
def test_every_query_is_promql(tmp_path: Path) -> None:
    rules = [
        {"record": f"query:{number}", "expr": asked(expr)}
        for number, expr in enumerate(of_boards().values())
    ]
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))
    argv = [str(PROMTOOL), "check", "rules", str(file)]
    told = subprocess.run(argv, text=True, capture_output=True, timeout=60)
    assert told.returncode == 0, told.stdout + told.stderr
