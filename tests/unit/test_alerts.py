"""charts/cc-executor/rules: what promtool says of them, and where their runbooks are."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.prometheus import MISSING, PROMTOOL

ROOT = Path(__file__).parents[2]
RULES = ROOT / "charts/cc-executor/rules/cc-executor.yaml"
CASES = ROOT / "tests/alerts/cases.yaml"
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
RUNBOOKS = OPERATIONS.partition("## Runbooks\n")[2].partition("\n## ")[0]


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.skipif(PROMTOOL is None, reason=MISSING)
def test_every_alert_fires_when_it_should_and_not_when_it_should_not() -> None:
    argv = [str(PROMTOOL), "test", "rules", str(CASES)]
    told = subprocess.run(argv, text=True, capture_output=True, timeout=60)
    assert told.returncode == 0, told.stdout + told.stderr


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    cases = yaml.safe_load(CASES.read_text(encoding="utf-8"))["tests"]
    tried = [test for case in cases for test in case["alert_rule_test"]]
    names = {rule["alert"] for rule in alerts()}
    assert {test["alertname"] for test in tried if test["exp_alerts"]} == names
    assert {test["alertname"] for test in tried if not test["exp_alerts"]} == names


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_an_alert_says_what_it_means_and_where_to_read_on(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("critical", "warning", "info")
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert page.endswith("/docs/operations.md")
    assert anchor == alert["alert"].lower()
    section = RUNBOOKS.partition(f"### {alert['alert']}\n")[2].partition("\n### ")[0]
    for part in ("**Means.**", "**Look.**", "**Do.**"):
        assert part in section
    assert "```" in section


def test_every_runbook_is_of_an_alert() -> None:
    told = re.findall(r"^### (\w+)$", RUNBOOKS, re.MULTILINE)
    assert told == [rule["alert"] for rule in alerts()]
