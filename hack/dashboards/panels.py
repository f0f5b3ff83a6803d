"""Panels of Grafana, as few words each as say what is to be seen. Pure.

title, description, unit, {legend: PromQL} -> stat() | series() | bars() | table() -> its JSON

A page of our own and not a library: grafana-foundation-sdk has one release line for each minor of
Grafana, its newest version by number is the oldest by Grafana, and a panel by it takes as many
lines as the JSON has. What is used here has been the same since Grafana 9.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

Json = dict[str, Any]
Queries = Mapping[str, str]
"""PromQL by its legend, in which {{label}} is the label's value."""

Unit = Literal[
    "none",
    "short",
    "s",
    "percentunit",
    "currencyUSD",
    "bytes",
    "Bps",
    "ops",
    "reqps",
    "dateTimeAsIso",
]

SOURCE: Final[Json] = {"type": "prometheus", "uid": "${datasource}"}
_RED, _GREEN = "red", "green"


def stat(
    title: str,
    description: str,
    unit: Unit,
    query: str,
    *,
    width: int = 4,
    bad_above: float | None = None,
    good_above: float | None = None,
) -> Json:
    """One number, of the whole time that is looked at or of now."""
    steps: list[Json] = [{"color": "text", "value": None}]
    if bad_above is not None:
        steps = [{"color": _GREEN, "value": None}, {"color": _RED, "value": bad_above}]
    if good_above is not None:
        steps = [{"color": _RED, "value": None}, {"color": _GREEN, "value": good_above}]
    panel = _panel("stat", title, description, {title: query}, (width, 4), instant=True)
    defaults = {"unit": unit, "thresholds": {"mode": "absolute", "steps": steps}}
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "none",
        "textMode": "value",
    }
    return panel | {"fieldConfig": _fields(defaults), "options": options}


def series(
    title: str,
    description: str,
    unit: Unit,
    queries: Queries,
    *,
    width: int = 12,
    stacked: bool = False,
) -> Json:
    """Lines over time; stacked areas where the sum says something."""
    custom: Json = {"lineWidth": 1, "fillOpacity": 30 if stacked else 5, "showPoints": "never"}
    custom["stacking"] = {"mode": "normal" if stacked else "none", "group": "A"}
    panel = _panel("timeseries", title, description, queries, (width, 8))
    return panel | {"fieldConfig": _fields(_from_zero(unit, custom)), "options": _OF_TIME}


def bars(title: str, description: str, unit: Unit, queries: Queries, *, width: int = 12) -> Json:
    """How many in each interval, on top of each other."""
    custom: Json = {"drawStyle": "bars", "lineWidth": 0, "fillOpacity": 80}
    custom["stacking"] = {"mode": "normal", "group": "A"}
    panel = _panel("timeseries", title, description, queries, (width, 8))
    return panel | {"fieldConfig": _fields(_from_zero(unit, custom)), "options": _OF_TIME}


def table(title: str, description: str, unit: Unit, query: str, *, width: int = 12) -> Json:
    """The newest value by labels."""
    panel = _panel("table", title, description, {title: query}, (width, 8), instant=True)
    panel["targets"][0]["format"] = "table"
    hidden = {"options": {"excludeByName": {"Time": True, "__name__": True}}, "id": "organize"}
    return panel | {
        "fieldConfig": _fields({"unit": unit}),
        "options": {"sortBy": [{"displayName": "Value", "desc": True}]},
        "transformations": [hidden],
    }


_OF_TIME: Final[Json] = {
    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
    "tooltip": {"mode": "multi", "sort": "desc"},
}


def _from_zero(unit: Unit, custom: Json) -> Json:
    return {"unit": unit, "min": 0, "custom": custom}


def _fields(defaults: Json) -> Json:
    return {"defaults": defaults, "overrides": []}


def _panel(
    kind: str,
    title: str,
    description: str,
    queries: Queries,
    size: tuple[int, int],
    *,
    instant: bool = False,
) -> Json:
    targets = [
        {
            "refId": chr(ord("A") + index),
            "datasource": SOURCE,
            "editorMode": "code",
            "expr": expr,
            "legendFormat": legend,
            "instant": instant,
            "range": not instant,
        }
        for index, (legend, expr) in enumerate(queries.items())
    ]
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": SOURCE,
        "gridPos": {"w": size[0], "h": size[1]},
        "targets": targets,
    }
