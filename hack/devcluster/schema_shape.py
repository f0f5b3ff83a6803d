"""Give a custom resource the shape of its schema: find and prune unknown fields, set defaults.

decoded object -> prune() -> apply_defaults() -> schema_validation.py. Pure; changes in place.
"""

from typing import Any, Final

from devcluster.history import Object
from devcluster.resources import Schema
from devcluster.store import copy_of

ROOT_FIELDS: Final = frozenset({"apiVersion", "kind", "metadata"})


def prune(obj: Object, schema: Schema) -> list[str]:
    """Remove what the schema does not know, and return the paths of it."""
    pruned: list[str] = []
    _prune(obj, schema, "", pruned, keep=ROOT_FIELDS)
    return sorted(pruned)


def _prune(
    value: Any, schema: Schema, path: str, pruned: list[str], keep: frozenset[str] = frozenset()
) -> None:
    if isinstance(value, list):
        for index, item in enumerate(value):
            _prune(item, schema.get("items", {}), f"{path}[{index}]", pruned)
    elif isinstance(value, dict):
        known = schema.get("properties", {})
        others = schema.get("additionalProperties")
        open_end = bool(schema.get("x-kubernetes-preserve-unknown-fields") or others is True)
        for key in list(value):
            here = f"{path}.{key}" if path else key
            if key in keep:
                continue  # what metadata may hold is not the schema's to say
            if key in known:
                _prune(value[key], known[key], here, pruned)
            elif isinstance(others, dict):
                _prune(value[key], others, here, pruned)
            elif not open_end:
                pruned.append(here)
                del value[key]


def apply_defaults(value: Any, schema: Schema) -> None:
    """Set what is absent and has a default, at every level that is there (or is defaulted)."""
    if isinstance(value, list):
        for item in value:
            apply_defaults(item, schema.get("items", {}))
    elif isinstance(value, dict):
        properties: dict[str, Schema] = schema.get("properties", {})
        for key, child in properties.items():
            is_null = value.get(key, ...) is None and not child.get("nullable")
            if "default" in child and (key not in value or is_null):
                value[key] = copy_of({"default": child["default"]})["default"]
            elif is_null:
                del value[key]
            if key in value:
                apply_defaults(value[key], child)
        others = schema.get("additionalProperties")
        if isinstance(others, dict):
            for key in value.keys() - properties.keys():
                apply_defaults(value[key], others)
