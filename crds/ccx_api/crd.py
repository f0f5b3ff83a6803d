"""Render the CustomResourceDefinition from the models. Pure; `make manifests` writes the file.

What the API server refuses of pydantic's output: $ref, anyOf with null, const.
"""

from collections.abc import Mapping
from typing import Any

from ccx_api.names import GROUP, KIND, PLURAL, VERSION
from ccx_api.status import TERMINAL, ExecutionStatus
from ccx_api.v1alpha1 import RUN_CONTROL, ExecutionSpec

Schema = dict[str, Any]

COLUMNS = (
    ("Phase", "string", ".status.phase", 0),
    ("Reason", "string", ".status.reason", 0),
    ("Turns", "integer", ".status.session.turns", 0),
    ("Cost", "string", ".status.usage.costUSD", 0),
    ("Pod", "string", ".status.podName", 0),
    ("Age", "date", ".metadata.creationTimestamp", 0),
    ("Model", "string", ".status.session.model", 1),
    ("Node", "string", ".status.nodeName", 1),
    ("Message", "string", ".status.message", 1),
)


def crd() -> Schema:
    """The whole manifest, in the order in which a person reads it."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["cx"],
                "categories": ["agents"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(*column) for column in COLUMNS],
                    "schema": {"openAPIV3Schema": _root()},
                }
            ],
        },
    }


def _column(name: str, kind: str, path: str, priority: int) -> Schema:
    return {"name": name, "type": kind, "jsonPath": path, "priority": priority}


def _root() -> Schema:
    properties = {"spec": _schema(ExecutionSpec), "status": _schema(ExecutionStatus)}
    spec_fields: dict[str, Schema] = properties["spec"]["properties"]
    frozen = {name: field for name, field in spec_fields.items() if name not in RUN_CONTROL}
    return {
        "type": "object",
        "description": "A run of Claude Code (or of a command) that Kubernetes keeps in control.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            **properties,
        },
        "x-kubernetes-validations": [_frozen(frozen), *_ROOT_RULES],
    }


_STARTED = "has(oldSelf.status) && has(oldSelf.status.startTime)"
_SUSPENDED = "has(oldSelf.spec.suspend) && oldSelf.spec.suspend"
_FROZEN = "cannot change once the execution has been let go"
_CLAIMED = (
    "has(self.spec.workspace) && "
    "(has(self.spec.workspace.volumeClaimName) || has(self.spec.workspace.volumeClaimTemplate))"
)


def _frozen(fields: Mapping[str, Schema]) -> Schema:
    """Only a suspended execution that has not started may still be edited, as with a Job.

    At the root, the only place from which a CEL rule sees both spec and status. Without
    optional syntax (`.?`): the API server estimates its cost far beyond the budget. One rule,
    and the whole spec compared first: whenever a rule reads a field of an object, the API server
    makes a map of all that it may have, and this was half the cost of every status patch. A wish
    changes the spec, so that every field is compared: with as few reads as can be.
    """
    same = [_same(name, field) for name, field in fields.items()]
    changed = ", ".join(f"{test} ? '' : '{name}'" for test, name in zip(same, fields, strict=True))
    return {
        "rule": f"self.spec == oldSelf.spec || ({_SUSPENDED} && !({_STARTED})) || "
        f"({' && '.join(same)})",
        "message": f"but for {', '.join(sorted(RUN_CONTROL))} the spec {_FROZEN}",
        "messageExpression": f"'spec.' + [{changed}].filter(f, f != '')[0] + ' {_FROZEN}'",
    }


def _same(name: str, field: Schema) -> str:
    new, old = f"self.spec.{name}", f"oldSelf.spec.{name}"
    if "default" in field:  # then it is always there
        return f"{new} == {old}"
    return f"(has({new}) ? has({old}) && {new} == {old} : !has({old}))"


_ROOT_RULES = (
    {
        "rule": "self.spec.suspend == oldSelf.spec.suspend || "
        f"!({_STARTED}) || !has(oldSelf.status.podName) || ({_CLAIMED})",
        "message": "spec.suspend: a running execution needs a claim for its workspace "
        "(spec.workspace.volumeClaimTemplate): use desiredState: Paused",
    },
    {  # that it does not change is a rule of its own
        "rule": "has(self.status) || !has(oldSelf.status) || "
        "!(oldSelf.status.phase in ['Succeeded', 'Failed', 'Cancelled'])",
        "message": TERMINAL,
    },
)


def _schema(model: type[ExecutionSpec] | type[ExecutionStatus]) -> Schema:
    schema = model.model_json_schema(by_alias=True)
    return structural(schema, schema.get("$defs", {}))


def structural(node: Schema, defs: dict[str, Schema]) -> Schema:
    """Rewrite pydantic's JSON Schema as the structural subset that the API server accepts.

    No $ref, no anyOf with null (an absent field says the same), no titles, no null default.
    """
    node = dict(node)
    if ref := node.pop("$ref", None):
        return structural({**defs[ref.rpartition("/")[2]], **node}, defs)
    if choices := node.pop("anyOf", None):
        (only,) = (choice for choice in choices if choice != {"type": "null"})
        return structural({**only, **node}, defs)

    for key in ("title", "$defs", "propertyNames"):
        node.pop(key, None)
    if node.get("default", ...) in (None, [], {}):  # an absent field says the same
        del node["default"]
    if "const" in node:
        node["enum"] = [node.pop("const")]
    if "properties" in node:
        node["properties"] = {k: structural(v, defs) for k, v in node["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            node[key] = structural(node[key], defs)
    return node
