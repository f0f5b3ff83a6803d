"""The expressions of dashboards and rules, and the metrics that they name."""

import json
import re
from pathlib import Path
from typing import Any

import yaml

CHART = Path(__file__).parents[2] / "charts/cc-executor"
BOARDS = sorted((CHART / "dashboards").glob("*.json"))
RULES = sorted((CHART / "rules").glob("*.yaml"))

_NAMES = re.compile(r"\b((?:ccx|process)_\w+|up)\b(?!\s*=)")


def board(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def panels(path: Path) -> list[dict[str, Any]]:
    """Without the rows."""
    return [panel for panel in board(path)["panels"] if panel["type"] != "row"]


def of_boards() -> dict[str, str]:
    """By where it stands."""
    return {
        f"{path.stem} / {panel['title']} / {target['legendFormat']}": target["expr"]
        for path in BOARDS
        for panel in panels(path)
        for target in panel["targets"]
    }


def of_rules() -> dict[str, str]:
    return {
        rule["alert"]: rule["expr"]
        for path in RULES
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    }


def names(expr: str) -> set[str]:
    """Of metrics: not of labels, which stand before an = or in a list after by or on."""
    bare = re.sub(r"\b(by|on|group_left|group_right|without) \([^)]*\)", "", expr)
    return set(_NAMES.findall(bare))


def asked(expr: str, *, namespace: str = ".*", step: str = "5m", whole: str = "1h") -> str:
    """As Grafana would send it."""
    return (
        expr.replace("$namespace", namespace)
        .replace("$__rate_interval", step)
        .replace("$__range", whole)
    )
