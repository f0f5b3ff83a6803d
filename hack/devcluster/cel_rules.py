"""The CEL rules of a schema (x-kubernetes-validations), on the object and its predecessor.

CRD schema -> Rules (compiled once) -> check(object, old) -> FieldErrors
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import cel

from devcluster import field_errors as errors
from devcluster.apierrors import FieldError
from devcluster.history import Object
from devcluster.resources import Schema
from devcluster.schema_validation import correlated, is_date_time, item_key

RESERVED: Final = frozenset(
    (
        *("true", "false", "null", "in", "as", "break"),
        *("const", "continue", "else", "for", "function", "if"),
        *("import", "let", "loop", "package", "namespace", "return"),
        *("var", "void", "while"),
    )
)
UNCHECKED: Final = (
    "some validation rules were not checked because the object was invalid; correct the existing "
    "errors to complete validation"
)


@dataclass(frozen=True, slots=True)
class Rule:
    source: str
    program: cel.Program
    message: str
    message_program: cel.Program | None
    reason: str
    field_path: str

    @property
    def is_transition(self) -> bool:
        return "oldSelf" in self.program.variables()


class RuleError(Exception):
    """A rule that cannot be compiled: the message has the place and the parser's words."""


class Rules:
    """The rules of one schema, compiled."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._compiled: dict[int, tuple[Rule, ...]] = {}
        self._compile(schema, "openAPIV3Schema")

    def check(self, obj: Object, old: Object | None) -> list[FieldError]:
        """Transition rules (with oldSelf) run only where there is an old value to compare."""
        root, before = _root(obj), _root(old) if old else ...
        return list(self._check(root, self._schema, "", before))

    def _compile(self, schema: Schema, path: str) -> None:
        rules = schema.get("x-kubernetes-validations")
        if rules:
            self._compiled[id(schema)] = tuple(_compiled(rule, path) for rule in rules)
        for key, child in schema.get("properties", {}).items():
            self._compile(child, f"{path}.properties[{key}]")
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                self._compile(schema[key], f"{path}.{key}")

    def _check(self, value: Any, schema: Schema, path: str, old: Any) -> Iterator[FieldError]:
        if value is None:
            return
        for rule in self._compiled.get(id(schema), ()):
            if not (old is ... if rule.is_transition else value == old):
                yield from _broken(rule, value, schema, path, old)
        if isinstance(value, dict):
            before = old if isinstance(old, dict) else {}
            known, others = schema.get("properties", {}), schema.get("additionalProperties")
            for key, child in value.items():
                rule_of = known.get(key, others)
                if isinstance(rule_of, dict):
                    here = f"{path}.{key}" if path else key
                    yield from self._check(child, rule_of, here, before.get(key, ...))
        elif isinstance(value, list):
            items = correlated(old, schema) if isinstance(old, list) else {}
            for index, item in enumerate(value):
                previous = items.get(item_key(item, schema), ...)
                here = f"{path}[{index}]"
                yield from self._check(item, schema.get("items", {}), here, previous)


def _compiled(rule: dict[str, Any], path: str) -> Rule:
    try:
        told = rule.get("messageExpression")
        return Rule(
            source=rule["rule"],
            program=cel.compile(rule["rule"]),
            message=rule.get("message", ""),
            message_program=cel.compile(told) if told else None,
            reason=rule.get("reason", "FieldValueInvalid"),
            field_path=rule.get("fieldPath", ""),
        )
    except ValueError as error:
        raise RuleError(f"{path}.x-kubernetes-validations: {error}") from error


def _broken(rule: Rule, value: Any, schema: Schema, path: str, old: Any) -> Iterator[FieldError]:
    variables = {"self": _bound(value, schema)}
    if rule.is_transition:
        variables["oldSelf"] = _bound(old, schema)
    context = cel.Context(variables=variables)
    kind = schema.get("type", "object")
    try:
        if rule.program.execute(context) is True:
            return
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        detail = f"rule evaluation error: {error}: evaluating rule: {rule.message or rule.source}"
        yield errors.invalid(path, kind, detail)
        return
    where = f"{path}{rule.field_path}".lstrip(".")
    yield _field_error(rule, where, kind, _message(rule, context))


def _message(rule: Rule, context: cel.Context) -> str:
    if rule.message_program is not None:
        try:
            told = rule.message_program.execute(context)
        except (KeyError, RuntimeError, TypeError, ValueError):
            told = ""  # the server falls back to the message, too
        if isinstance(told, str) and told.strip():
            return told.strip()
    return rule.message or f"failed rule: {rule.source}"


def _field_error(rule: Rule, path: str, kind: str, message: str) -> FieldError:
    if rule.reason == "FieldValueForbidden":
        return errors.forbidden(path, message)
    if rule.reason == "FieldValueRequired":
        return errors.required(path, message)
    if rule.reason == "FieldValueDuplicate":
        return errors.duplicate(path, kind)
    return errors.invalid(path, kind, message)


def _root(obj: Object) -> Object:
    """Of the metadata, a rule sees these two names only."""
    seen = ("name", "generateName")
    metadata = {key: obj["metadata"][key] for key in seen if key in obj["metadata"]}
    return {**obj, "metadata": metadata}


def _bound(value: Any, schema: Schema) -> Any:
    """A value with the CEL types that its schema declares."""
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties")
        rest: Schema = others if isinstance(others, dict) else {}
        return {
            (_escaped(key) if key in known else key): _bound(child, known.get(key, rest))
            for key, child in value.items()
        }
    if isinstance(value, list):
        return [_bound(item, schema.get("items", {})) for item in value]
    if schema.get("type") == "number" and isinstance(value, int):
        return float(value)
    if schema.get("format") == "date-time" and isinstance(value, str) and is_date_time(value):
        return datetime.fromisoformat(value.upper())
    return value


def _escaped(name: str) -> str:
    """A property name as a rule must write it."""
    if name in RESERVED:
        return f"__{name}__"
    for plain, escape in (("__", "__underscores__"), (".", "__dot__"), ("-", "__dash__")):
        name = name.replace(plain, escape)
    return name.replace("/", "__slash__")
