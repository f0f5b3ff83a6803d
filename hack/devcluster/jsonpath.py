"""The JSONPath of printer columns: .a.b, ['a'], [0], [*], [?(@.type=="Ready")]. Pure."""

import re
from typing import Any

_STEP = re.compile(
    r"\.?\[\?\(@\.(?P<field>[\w.]+)\s*==\s*(?P<quote>[\"'])(?P<equals>.*?)(?P=quote)\)\]"
    r"|\.?\[(?P<index>-?\d+)\]"
    r"|\.?\[(?P<all>\*)\]"
    r"|\.?\['(?P<name>[^']+)'\]"
    r"|\.(?P<key>(?:\\.|[^.\[\\])+)"
)


def find(path: str, obj: Any) -> list[Any]:
    """Every value at the path; nothing for a path that leads nowhere or cannot be read."""
    values, position = [obj], 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return []
        position = step.end()
        values = [found for value in values for found in _step(value, step)]
    return values


def _step(value: Any, step: re.Match[str]) -> list[Any]:
    if step["field"] is not None:
        items = value if isinstance(value, list) else []
        return [item for item in items if find(f".{step['field']}", item) == [step["equals"]]]
    if step["index"] is not None:
        index = int(step["index"])
        return value[index:][:1] if isinstance(value, list) else []
    if step["all"]:
        return list(value) if isinstance(value, list) else []
    name = step["name"] or re.sub(r"\\(.)", r"\1", step["key"])
    return [value[name]] if isinstance(value, dict) and name in value else []
