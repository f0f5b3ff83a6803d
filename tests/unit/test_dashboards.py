"""charts/cc-executor/dashboards, as they are rendered. That each query finds something is
tests/integration/test_observed.py's."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from support.metering import gateway_page, operator_page
from support.prometheus import MISSING, PROMTOOL
from support.promql import BOARDS, asked, board, names, of_boards, of_rules, panels

FOUR = ["executions", "operator", "overview", "streaming"]


plugins.register_default_plugins()


def as_grafana_reads_it(found: dict[str, Any]) -> Any:
    """What its types do not know is not in it."""
    return json.loads(json.dumps(Dashboard.from_json(found), cls=JSONEncoder))


def unknown(ours: Any, theirs: Any, path: str = "") -> list[str]:
    """What is ours and not the same there. Defaults that are theirs alone do not count."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        pairs = [(f"{path}.{key}", ours[key], theirs.get(key)) for key in ours]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        both = enumerate(zip(ours, theirs, strict=True))
        pairs = [(f"{path}[{place}]", mine, its) for place, (mine, its) in both]
    else:
        return [] if ours == theirs else [path]
    return [found for at, mine, its in pairs for found in unknown(mine, its, at)]


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
def test_grafana_knows_every_word_of_it(path: Path) -> None:
    found = board(path)
    assert unknown(found, as_grafana_reads_it(found)) == []


def test_a_word_that_grafana_does_not_know_is_found() -> None:
    found = board(BOARDS[0])
    place, panel = next((n, p) for n, p in enumerate(found["panels"]) if "options" in p)
    panel["options"]["lengendMode"] = "list"
    panel["fieldConfig"]["defaults"]["units"] = "s"
    at = f".panels[{place}]"
    assert unknown(found, as_grafana_reads_it(found)) == [
        *(f"{at}.fieldConfig.defaults.units", f"{at}.options.lengendMode")
    ]


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
