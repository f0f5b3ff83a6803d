"""A dashboard around its panels: places, variables, links to the others. Pure.

rows of panels -> Board -> to_json(), with ids and places that follow from the order
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dashboards.panels import SOURCE, Json

WIDTH: Final = 24
TAG: Final = "cc-executor"

Row = tuple[str, Sequence[Json]]
"""Its title, and its panels from left to right."""


@dataclass(frozen=True, slots=True)
class Board:
    name: str
    """Of its file, and of its uid."""

    title: str
    description: str
    rows: Sequence[Row]

    def to_json(self) -> str:
        board = {
            "uid": f"ccx-{self.name}",
            "title": f"CC-Executor / {self.title}",
            "description": self.description,
            "tags": [TAG],
            "schemaVersion": 39,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": "now-6h", "to": "now"},
            "timezone": "browser",
            "templating": {"list": _VARIABLES},
            "links": [_LINK],
            "annotations": {"list": []},
            "panels": _placed(self.rows),
        }
        return json.dumps(board, indent=1, ensure_ascii=False) + "\n"


_VARIABLES: Final[list[Json]] = [
    {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
        "hide": 0,
    },
    {
        "name": "namespace",
        "label": "Installation",
        "description": "The namespace of operator and gateway, as Prometheus names it.",
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": "label_values(ccx_build_info, namespace)", "refId": "namespace"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
        "hide": 0,
    },
]
_LINK: Final[Json] = {
    "title": "CC-Executor",
    "type": "dashboards",
    "tags": [TAG],
    "asDropdown": False,
    "includeVars": True,
    "keepTime": True,
}


def _placed(rows: Sequence[Row]) -> list[Json]:
    """Panels that do not fit beside each other go on in the next line."""
    placed: list[Json] = []
    y = 0
    for title, panels in rows:
        head = {"type": "row", "title": title, "collapsed": False, "panels": []}
        placed.append({"id": len(placed) + 1, **head, "gridPos": _at(0, y, WIDTH, 1)})
        x, y, height = 0, y + 1, 0
        for panel in panels:
            width, tall = panel["gridPos"]["w"], panel["gridPos"]["h"]
            if x + width > WIDTH:
                x, y, height = 0, y + height, 0
            place = _at(x, y, width, tall)
            placed.append({"id": len(placed) + 1, **panel, "gridPos": place})
            x, height = x + width, max(height, tall)
        y += height
    return placed


def _at(x: int, y: int, w: int, h: int) -> Json:
    return {"x": x, "y": y, "w": w, "h": h}
