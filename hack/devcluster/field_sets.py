"""Sets of fields, as managedFields writes them down.

object, FieldTypes -> fields_of(), compare() -> Fields <-> FieldsV1. Pure.

A field is its path: `f:` and a name, `k:` and the keys of a list's item, `v:` and a value of a set.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from devcluster.field_types import FieldType
from devcluster.history import Object

Path = tuple[str, ...]
Fields = frozenset[Path]
NONE: Fields = frozenset()


@dataclass(frozen=True, slots=True)
class Comparison:
    changed: Fields
    """Added or of another value."""

    removed: Fields


def to_v1(fields: Fields) -> Object:
    """A tree; a field that is meant itself and has some below it has a dot."""
    tree: Object = {}
    for path in sorted(fields):
        node = tree
        for element in path:
            node = node.setdefault(element, {})
        node["."] = {}
    return _without_lone_dots(tree)


def _without_lone_dots(tree: Object) -> Object:
    if set(tree) == {"."}:
        return {}
    return {key: _without_lone_dots(child) if key != "." else {} for key, child in tree.items()}


def from_v1(tree: Object) -> Fields:
    return frozenset(_paths(tree, ()))


def _paths(tree: Object, path: Path) -> Iterator[Path]:
    if not tree and path:
        yield path
    for key, child in tree.items():
        if key == ".":
            yield path
        else:
            yield from _paths(child, (*path, key))


def fields_of(value: Any, kind: FieldType, path: Path = ()) -> Iterator[Path]:
    """What somebody who applies this says something about."""
    if kind.is_leaf(value):
        yield path
    elif isinstance(value, dict):
        for key, child in value.items():
            here = (*path, f"f:{key}")
            if child is None or child == {} or not kind.has_field(key):
                yield here
            yield from fields_of(child, kind.child(key), here)
    elif isinstance(value, list):
        for item in value:
            here = (*path, kind.element(item))
            yield here
            yield from fields_of(item, kind.item, here)


def compare(old: Any, new: Any, kind: FieldType) -> Comparison:
    changed: set[Path] = set()
    removed: set[Path] = set()
    _compare(old, new, kind, (), changed, removed)
    return Comparison(frozenset(changed), frozenset(removed))


def _compare(
    old: Any, new: Any, kind: FieldType, path: Path, changed: set[Path], removed: set[Path]
) -> None:
    """`...` stands for nothing at all."""
    if old is not ... and new is not ... and old == new and type(old) is type(new):
        return
    before, after = _parts(old, kind), _parts(new, kind)
    if before is None or after is None or not (before or after):
        if before or after:  # one side is a leaf, the other has parts
            _each(before or {}, {}, path, changed, removed)
            _each({}, after or {}, path, changed, removed)
        (removed if new is ... else changed).add(path)
        return
    _each(before, after, path, changed, removed)
    if old is ...:
        changed.add(path)
    elif new is ...:
        removed.add(path)


Parts = dict[str, tuple[Any, FieldType]]


def _each(before: Parts, after: Parts, path: Path, changed: set[Path], removed: set[Path]) -> None:
    for element in {**before, **after}:
        old, kind = before.get(element, (..., None))
        new, kind_after = after.get(element, (..., None))
        known = kind or kind_after
        assert known is not None
        _compare(old, new, known, (*path, element), changed, removed)


def _parts(value: Any, kind: FieldType) -> Parts | None:
    """The parts of a value by path element; None for a leaf, nothing for nothing."""
    if value is ...:
        return {}
    if kind.is_leaf(value):
        return None
    if isinstance(value, dict):
        return {f"f:{key}": (child, kind.child(key)) for key, child in value.items()}
    return {kind.element(item): (item, kind.item) for item in value}
