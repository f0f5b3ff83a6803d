"""Two objects become one, and fields are taken out of one: by the types of the fields. Pure."""

from collections import deque
from typing import Any

from devcluster.field_sets import Fields, Path
from devcluster.field_types import FieldType


def merged(live: Any, config: Any, kind: FieldType) -> Any:
    """What `config` says replaces or joins what is there; what it does not say stays."""
    if kind.is_leaf(config) or type(live) is not type(config):
        return config
    if isinstance(config, dict):
        parts = {
            key: merged(live.get(key), value, kind.child(key)) for key, value in config.items()
        }
        return {**live, **parts}
    wanted = {kind.element(item): item for item in config}
    there = {kind.element(item): item for item in live}
    return [
        merged(there.get(element), wanted[element], kind.item)
        if element in wanted
        else there[element]
        for element in _order(list(there), list(wanted))
    ]


def _order(live: list[str], wanted: list[str]) -> list[str]:
    """Items that were asked for in the order asked for; the others stay behind whom they follow."""
    left, right = deque(live), deque(wanted)
    shared = deque(element for element in wanted if element in live)
    ordered: list[str] = []
    while left or right:
        if left and right and left[0] == right[0]:
            ordered.append(left.popleft())
            right.popleft()
            if shared:
                shared.popleft()
        elif left and left[0] not in wanted:
            ordered.append(left.popleft())
        elif left and (left[0] in ordered or (right and shared and shared[0] != left[0])):
            left.popleft()  # it has come, or will when its turn in the asked order is
        else:
            ordered.append(right.popleft())
            if shared and shared[0] == ordered[-1]:
                shared.popleft()
    return ordered


def without(value: Any, fields: Fields, owned: Fields, kind: FieldType, path: Path = ()) -> Any:
    """The value without these fields, but for what somebody owns, and without what got empty."""
    if not any(field[: len(path)] == path for field in fields):
        return value
    if kind.is_leaf(value):
        return value
    if isinstance(value, dict):
        return _map_without(value, fields, owned, kind, path)
    kept = []
    for item in value:
        here = (*path, kind.element(item))
        if not _goes(here, fields, owned):
            kept.append(without(item, fields, owned, kind.item, here))
    return kept


def _map_without(
    value: dict[str, Any], fields: Fields, owned: Fields, kind: FieldType, path: Path
) -> dict[str, Any]:
    kept = {}
    for key, child in value.items():
        here = (*path, f"f:{key}")
        if _goes(here, fields, owned):
            continue
        left = without(child, fields, owned, kind.child(key), here)
        if left or left == child or here in owned:
            kept[key] = left
    return kept


def _goes(path: Path, fields: Fields, owned: Fields) -> bool:
    return path in fields and not any(other[: len(path)] == path for other in owned)
