"""What a CustomResourceDefinition demands of its objects, and of itself.

decoded object -> shape() -> check(): pruning, defaults, schema, lists, CEL
"""

import weakref
from collections.abc import Sequence
from typing import Any

from devcluster import field_errors as errors
from devcluster.apierrors import FieldError
from devcluster.cel_rules import UNCHECKED, RuleError, Rules
from devcluster.history import Object
from devcluster.resources import ResourceType, Schema, custom_type
from devcluster.schema_shape import apply_defaults, prune
from devcluster.schema_validation import validate
from devcluster.store import timestamp


class CustomResources:
    """Checks objects of every custom resource; compiles the rules of each type once."""

    def __init__(self) -> None:
        self._rules: weakref.WeakKeyDictionary[ResourceType, Rules] = weakref.WeakKeyDictionary()

    def shape(self, rt: ResourceType, obj: Object) -> list[str]:
        """Prune and default in place; the paths of the unknown fields."""
        schema = _schema(rt)
        unknown = prune(obj, schema)
        apply_defaults(obj, schema)
        return unknown

    def check(
        self, rt: ResourceType, obj: Object, old: Object | None, before: Sequence[FieldError] = ()
    ) -> list[FieldError]:
        """What was found before, and what is found here."""
        found = [*before, *validate(obj, _schema(rt), "", old if old is not None else ...)]
        if any(error.reason in errors.BLOCKING for error in found):
            return [*found, errors.invalid("", None, UNCHECKED)]
        return [*found, *self._rules_of(rt).check(obj, old)]

    def _rules_of(self, rt: ResourceType) -> Rules:
        if rt not in self._rules:
            self._rules[rt] = Rules(_schema(rt))
        return self._rules[rt]


def _schema(rt: ResourceType) -> Schema:
    assert rt.schema is not None
    return rt.schema


def check_definition(crd: Object) -> list[FieldError]:
    """The mistakes in a CRD that make it unusable here."""
    spec = crd.get("spec", {})
    group, plural = spec.get("group"), spec.get("names", {}).get("plural")
    if crd["metadata"]["name"] != f"{plural}.{group}":
        detail = 'must be spec.names.plural+"."+spec.group'
        return [errors.invalid("metadata.name", crd["metadata"]["name"], detail)]
    versions = [v for v in spec.get("versions", []) if v.get("served")]
    if len(versions) != 1 or not versions[0].get("storage"):
        detail = "devcluster serves exactly one version, which is the stored one"
        return [errors.invalid("spec.versions", "array", detail)]
    schema = versions[0].get("schema", {}).get("openAPIV3Schema")
    path = "spec.versions[0].schema.openAPIV3Schema"
    if not schema:
        return [errors.required(path, "schemas are required")]
    try:
        Rules(schema)
    except RuleError as error:
        return [errors.invalid("spec.versions[0].schema", "object", str(error))]
    return list(_not_structural(schema, path))


def _not_structural(schema: Schema, path: str) -> list[FieldError]:
    is_open = schema.get("x-kubernetes-int-or-string") or schema.get(
        "x-kubernetes-preserve-unknown-fields"
    )
    found = []
    if "type" not in schema and not is_open:
        found.append(errors.required(f"{path}.type", "must not be empty for specified fields"))
    if "$ref" in schema:
        found.append(errors.forbidden(f"{path}.$ref", "$ref is not supported"))
    for key, child in schema.get("properties", {}).items():
        found += _not_structural(child, f"{path}.properties[{key}]")
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            found += _not_structural(schema[key], f"{path}.{key}")
    return found


def established(crd: Object) -> dict[str, Any]:
    """The status of a CRD that is served, which it is at once."""
    now = timestamp()
    words = {"NamesAccepted": "NoConflicts", "Established": "InitialNamesAccepted"}
    return {
        "acceptedNames": {k: v for k, v in crd["spec"]["names"].items() if v != []},
        "storedVersions": [custom_type(crd).version],
        "conditions": [
            {
                "type": kind,
                "status": "True",
                "reason": reason,
                "message": "no conflicts found"
                if kind == "NamesAccepted"
                else "the initial names have been accepted",
                "lastTransitionTime": now,
            }
            for kind, reason in words.items()
        ],
    }
