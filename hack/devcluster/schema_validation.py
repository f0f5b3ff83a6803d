"""Check a custom resource against its structural schema, with the API server's messages.

object + schema (+ old object) -> FieldErrors; then cel_rules.py. Pure.

As in Kubernetes 1.30 and newer, a part that an update leaves as it was is not refused (ratcheting).
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from devcluster import field_errors as errors
from devcluster.apierrors import FieldError
from devcluster.resources import Schema

Errors = Iterator[FieldError]


def validate(value: Any, schema: Schema, path: str = "", old: Any = ...) -> Errors:
    """Every error in the value; `old` is what stood here before, ... for nothing."""
    if value == old:
        return
    if schema.get("x-kubernetes-int-or-string"):
        if json_type(value) not in ("integer", "string"):
            yield _wrong_type(path, "integer,string", value)
        return
    if value is None and schema.get("nullable"):
        return
    wanted = schema.get("type")
    if wanted and not _is_of_type(value, wanted):
        yield _wrong_type(path, wanted, value)
        return
    yield from _validate_value(value, schema, path)
    if isinstance(value, dict):
        yield from _validate_object(value, schema, path, old if isinstance(old, dict) else {})
    elif isinstance(value, list):
        yield from _validate_list(value, schema, path, old if isinstance(old, list) else [])


def json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, float) and not value.is_integer():
        return "number"
    names = {int: "integer", float: "integer", str: "string", dict: "object", list: "array"}
    return names.get(type(value), "null")


def map_key(item: Any, schema: Schema) -> tuple[str, ...]:
    """What identifies an item of a list of type map."""
    keys = schema.get("x-kubernetes-list-map-keys", ())
    return tuple(repr(item.get(key)) if isinstance(item, dict) else "" for key in keys)


def _is_of_type(value: Any, wanted: str) -> bool:
    actual = json_type(value)
    return actual == wanted or (wanted == "number" and actual == "integer")


def _wrong_type(path: str, wanted: str, value: Any) -> FieldError:
    actual = json_type(value)
    return errors.type_invalid(path, actual, f'{path} in body must be of type {wanted}: "{actual}"')


def _validate_value(value: Any, schema: Schema, path: str) -> Errors:
    if "enum" in schema and value not in schema["enum"]:
        yield errors.not_supported(path, value, schema["enum"])
    if isinstance(value, str):
        yield from _validate_string(value, schema, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _validate_number(value, schema, path)
    yield from _validate_choices(value, schema, path)


def _validate_string(value: str, schema: Schema, path: str) -> Errors:
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        yield errors.too_long(path, schema["maxLength"])
    if len(value) < schema.get("minLength", 0):
        detail = f"{path} in body should be at least {schema['minLength']} chars long"
        yield errors.invalid(path, value, detail)
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield errors.invalid(path, value, f"{path} in body should match '{schema['pattern']}'")
    if schema.get("format") == "date-time" and not is_date_time(value):
        detail = f"{path} in body must be of type date-time: {errors.quoted(value)}"
        yield errors.type_invalid(path, value, detail)


def _validate_number(value: float, schema: Schema, path: str) -> Errors:
    low, high = schema.get("minimum"), schema.get("maximum")
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if low is not None and (value < low or (above and value == low)):
        words = "greater than" if above else "greater than or equal to"
        yield errors.invalid(path, value, f"{path} in body should be {words} {low}")
    if high is not None and (value > high or (below and value == high)):
        words = "less than" if below else "less than or equal to"
        yield errors.invalid(path, value, f"{path} in body should be {words} {high}")
    step = schema.get("multipleOf")
    if step and value % step:
        yield errors.invalid(path, value, f"{path} in body should be a multiple of {step}")


def _validate_choices(value: Any, schema: Schema, path: str) -> Errors:
    def matching(name: str) -> int:
        return sum(not list(validate(value, choice, path)) for choice in schema[name])

    shown = value if isinstance(value, str | int | float) else ""
    if "allOf" in schema:
        for part in schema["allOf"]:
            yield from validate(value, part, path)
    if "anyOf" in schema and not matching("anyOf"):
        detail = f'"{path}" must validate at least one schema (anyOf)'
        yield errors.invalid(path, shown, detail)
    if "oneOf" in schema and (found := matching("oneOf")) != 1:
        which = "Found none valid" if not found else f"Found {found} valid alternatives"
        detail = f'"{path}" must validate one and only one schema (oneOf). {which}'
        yield errors.invalid(path, shown, detail)
    if "not" in schema and not list(validate(value, schema["not"], path)):
        yield errors.invalid(path, shown, f'"{path}" must not validate the schema (not)')


def _validate_object(value: dict[str, Any], schema: Schema, path: str, old: Any) -> Errors:
    def below(key: str) -> str:
        return f"{path}.{key}" if path else key

    for key in schema.get("required", ()):
        if key not in value:
            yield errors.required(below(key))
    if len(value) < schema.get("minProperties", 0):
        detail = f"{path} in body should have at least {schema['minProperties']} properties"
        yield errors.invalid(path, "object", detail)
    if "maxProperties" in schema and len(value) > schema["maxProperties"]:
        yield errors.too_many(path, len(value), schema["maxProperties"])
    known, others = schema.get("properties", {}), schema.get("additionalProperties")
    for key, child in value.items():
        rule = known.get(key, others)
        if isinstance(rule, dict):
            yield from validate(child, rule, below(key), old.get(key, ...))


def _validate_list(value: list[Any], schema: Schema, path: str, old: list[Any]) -> Errors:
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        yield errors.too_many(path, len(value), schema["maxItems"])
    if len(value) < schema.get("minItems", 0):
        detail = f"{path} in body should have at least {schema['minItems']} items"
        yield errors.invalid(path, "array", detail)
    before = correlated(old, schema)
    seen = set()
    for index, item in enumerate(value):
        if schema.get("x-kubernetes-list-type") == "map" and not isinstance(item, dict):
            words = "must be an object for an array of list-type map"
            yield errors.invalid(f"{path}[{index}]", item, words)
        key = item_key(item, schema)
        if key is not None and key in seen:
            yield errors.duplicate(f"{path}[{index}]", _shown_key(item, schema))
        seen.add(key)
        yield from validate(item, schema.get("items", {}), f"{path}[{index}]", before.get(key, ...))


def item_key(item: Any, schema: Schema) -> tuple[str, ...] | None:
    """None in an atomic list, whose items have no identity."""
    kind = schema.get("x-kubernetes-list-type")
    if kind == "map":
        return map_key(item, schema)
    return (repr(item),) if kind == "set" else None


def correlated(old: list[Any], schema: Schema) -> dict[tuple[str, ...] | None, Any]:
    """The items of before by identity; nothing for an atomic list."""
    return {key: item for item in old if (key := item_key(item, schema)) is not None}


def _shown_key(item: Any, schema: Schema) -> Any:
    if schema.get("x-kubernetes-list-type") == "map":
        return {key: item[key] for key in schema["x-kubernetes-list-map-keys"] if key in item}
    return item


def is_date_time(value: str) -> bool:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", value):
        return False
    try:
        datetime.fromisoformat(value.upper())
    except ValueError:
        return False
    return True
