"""The JSON types of a pod's fields, as far as anything here reads them.

A real server decodes a pod into a struct and refuses a wrong type with 400 before it looks
further; our types are plain JSON, so what comes later may rely on this. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from devcluster.history import Object

_NAMES: Final[Mapping[type, str]] = {str: "string", bool: "bool", int: "number", float: "number"}


@dataclass(frozen=True)
class ListOf:
    item: Any


@dataclass(frozen=True)
class MapOf:
    value: Any


_KEY: Final = {"name": str, "key": str, "optional": bool}
_SOURCE: Final = {"secretKeyRef": _KEY, "configMapKeyRef": _KEY, "fieldRef": {"fieldPath": str}}
_ITEMS: Final = ListOf({"key": str, "path": str, "fieldRef": {"fieldPath": str}})
_CONTAINER: Final = {
    "name": str,
    "image": str,
    "command": ListOf(str),
    "args": ListOf(str),
    "workingDir": str,
    "env": ListOf({"name": str, "value": str, "valueFrom": _SOURCE}),
    "envFrom": ListOf({"prefix": str, "secretRef": _KEY, "configMapRef": _KEY}),
    "ports": ListOf({"name": str, "containerPort": int, "hostPort": int}),
    "volumeMounts": ListOf({"name": str, "mountPath": str, "subPath": str, "readOnly": bool}),
    "resources": {"limits": MapOf(object), "requests": MapOf(object)},
    "readinessProbe": {"httpGet": {"path": str}, "periodSeconds": int, "failureThreshold": int},
    "securityContext": {"capabilities": {"drop": ListOf(str), "add": ListOf(str)}},
}
_EXPRESSIONS: Final = ListOf({"key": str, "operator": str, "values": ListOf(str)})
_TERMS: Final = ListOf({"matchExpressions": _EXPRESSIONS, "matchFields": _EXPRESSIONS})
_SPEC: Final = {
    "containers": ListOf(_CONTAINER),
    "initContainers": ListOf(_CONTAINER),
    "volumes": ListOf(
        {
            "name": str,
            "emptyDir": {"sizeLimit": object},
            "configMap": {"name": str, "items": _ITEMS, "optional": bool},
            "secret": {"secretName": str, "items": _ITEMS, "optional": bool},
            "downwardAPI": {"items": _ITEMS},
            "persistentVolumeClaim": {"claimName": str},
        }
    ),
    "nodeSelector": MapOf(str),
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": _TERMS}
        }
    },
    "restartPolicy": str,
    "terminationGracePeriodSeconds": int,
    "activeDeadlineSeconds": int,
    "serviceAccountName": str,
    "schedulerName": str,
    "nodeName": str,
    "securityContext": {"seccompProfile": {"type": str}},
}
POD: Final = {"spec": _SPEC}


def wrong_type(pod: Object) -> str | None:
    """The server's words for the first field that has a wrong type."""
    return _wrong(pod, POD, "")


def _wrong(value: Any, shape: Any, path: str) -> str | None:
    if value is None or shape is object:
        return None
    match shape:
        case ListOf(item):
            fits, parts = isinstance(value, list), [(v, item, path) for v in _each(value)]
        case MapOf(inner):
            fits, parts = isinstance(value, dict), [(v, inner, path) for v in _values(value)]
        case dict():
            fits = isinstance(value, dict)
            parts = [(value.get(k), s, f"{path}.{k}") for k, s in shape.items()] if fits else []
        case _:
            fits, parts = isinstance(value, shape), []
            fits = fits and not (shape is int and isinstance(value, bool))
    if not fits:
        kind = _NAMES.get(type(value), "array" if isinstance(value, list) else "object")
        field = path.lstrip(".")
        return f"json: cannot unmarshal {kind} into Go struct field Pod.{field}"
    return next((found for part in parts if (found := _wrong(*part))), None)


def _each(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _values(value: Any) -> Sequence[Any]:
    return list(value.values()) if isinstance(value, dict) else ()
