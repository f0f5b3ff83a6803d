"""How the fields of an object are taken apart: what is one value, and what identifies an item.

ResourceType -> root_type() -> FieldType.child() / .item. Pure.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from devcluster.resources import ResourceType, Schema

BUILT_IN_KEYS: Final = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "volumes": ("name",),
    "env": ("name",),
    "ports": ("containerPort", "protocol"),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "conditions": ("type",),
    "addresses": ("type",),
    "ownerReferences": ("uid",),
}
"""Lists of the built-in types whose items have owners of their own."""

BUILT_IN_ATOMS: Final = frozenset(
    {
        *("nodeSelector", "selector", "fieldRef", "secretKeyRef", "configMapKeyRef"),
        *("resourceFieldRef", "ownerReferences[]", "involvedObject"),
    }
)
"""Objects of the built-in types that have one owner as a whole."""

_DEFAULTS: Final = {"protocol": "TCP"}


@dataclass(frozen=True, slots=True)
class FieldType:
    schema: Schema = field(default_factory=dict)
    name: str = ""
    is_built_in: bool = False
    is_open: bool = False
    """Below x-kubernetes-preserve-unknown-fields: a list is one value there."""

    def is_leaf(self, value: Any) -> bool:
        if isinstance(value, dict):
            return self.schema.get("x-kubernetes-map-type") == "atomic" or self._is_atom()
        if isinstance(value, list):
            return not (self._keys() or self._is_set())
        return True

    def has_field(self, key: str) -> bool:
        """Whether it is a field of a structure, and not a key of a map."""
        if self.is_built_in:
            return self.name not in ("labels", "annotations", "data", "stringData", "binaryData")
        return key in self.schema.get("properties", {})

    def child(self, key: str) -> "FieldType":
        if self.is_built_in:
            return FieldType(name=key, is_built_in=True)
        if self.is_open:
            return self
        if key == "metadata" and not self.name:
            return FieldType(name=key, is_built_in=True)
        known, others = self.schema.get("properties", {}), self.schema.get("additionalProperties")
        return self._of(known.get(key, others), key)

    @property
    def item(self) -> "FieldType":
        if self.is_built_in:
            return FieldType(name=f"{self.name}[]", is_built_in=True)
        return self._of(self.schema.get("items"), "item")

    def element(self, item: Any) -> str:
        """What an item of a list is called in a path."""
        if self._is_set():
            return f"v:{orjson.dumps(item).decode()}"
        named = {key: item.get(key, _DEFAULTS.get(key)) for key in sorted(self._keys())}
        return f"k:{orjson.dumps(named).decode()}"

    def _of(self, schema: Any, name: str) -> "FieldType":
        opened = bool(self.schema.get("x-kubernetes-preserve-unknown-fields"))
        if not isinstance(schema, dict):
            return FieldType(name=name, is_open=opened or self.is_open)
        return FieldType(schema, name, is_open=not schema.get("properties") and _is_open(schema))

    def _keys(self) -> tuple[str, ...]:
        if self.is_built_in:
            return BUILT_IN_KEYS.get(self.name, ())
        if self.schema.get("x-kubernetes-list-type") != "map":
            return ()
        return tuple(self.schema["x-kubernetes-list-map-keys"])

    def _is_set(self) -> bool:
        if self.is_built_in:
            return self.name == "finalizers"
        return self.schema.get("x-kubernetes-list-type") == "set"

    def _is_atom(self) -> bool:
        return self.is_built_in and self.name in BUILT_IN_ATOMS


def root_type(rt: ResourceType) -> FieldType:
    return FieldType(rt.schema) if rt.schema is not None else FieldType(is_built_in=True)


def _is_open(schema: Schema) -> bool:
    return bool(schema.get("x-kubernetes-preserve-unknown-fields"))
