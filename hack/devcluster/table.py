"""Table output: what `kubectl get` prints is decided by the server.

objects + resource type -> metav1.Table. Pure; `now` is an argument.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import orjson

from devcluster import jsonpath
from devcluster.ages import age
from devcluster.builtin_columns import AGE, COLUMNS, NAME, Column
from devcluster.history import Object
from devcluster.resources import ResourceType

_DESCRIBED: Final = "Custom resource definition column (in JSONPath format): "


def table(
    rt: ResourceType,
    objects: Iterable[Object],
    *,
    now: datetime,
    version: str = "",
    include: str = "Metadata",
    headers: bool = True,
) -> Object:
    """The rows of these objects. `include` (Metadata, Object, None) is what rides along a row."""
    columns = _custom(rt) if rt.printer_columns else COLUMNS.get(rt.key, (NAME, AGE))
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [column.definition() for column in columns] if headers else None,
        "rows": [
            {
                "cells": [column.cell(obj, now) for column in columns],
                **_object(obj, include),
            }
            for obj in objects
        ],
    }


def _object(obj: Object, include: str) -> Object:
    if include == "None":
        return {}
    if include == "Object":
        return {"object": obj}
    partial = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}
    return {"object": {**partial, "metadata": obj["metadata"]}}


def _custom(rt: ResourceType) -> tuple[Column, ...]:
    return (NAME, *(_printer_column(column) for column in rt.printer_columns))


def _printer_column(column: dict[str, Any]) -> Column:
    path, kind = column["jsonPath"], column["type"]

    def cell(obj: Object, now: datetime) -> Any:
        return _cell(jsonpath.find(path, obj), kind, now)

    return Column(
        column["name"],
        cell,
        kind=kind,
        format=column.get("format", ""),
        description=column.get("description", f"{_DESCRIBED}{path}"),
        priority=column.get("priority", 0),
    )


def _cell(found: list[Any], kind: str, now: datetime) -> Any:
    if not found or found[0] is None:
        return None
    if kind == "date":
        return age(str(found[0]), now)
    if kind in ("integer", "number", "boolean"):
        return found[0]
    return " ".join(v if isinstance(v, str) else orjson.dumps(v).decode() for v in found)
