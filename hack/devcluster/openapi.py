"""OpenAPI v3, as far as kubectl reads it: that PATCH takes fieldValidation, and CRD schemas.

registry -> index() and group_version(). Pure. Built-in kinds have open schemas: kubectl leaves
validation to the server, which checks custom resources by their own schema.
"""

import hashlib
from typing import Any, Final

import orjson

from devcluster.descriptions import API_VERSION, KIND, METADATA, NAME
from devcluster.resources import Registry, ResourceType
from devcluster.schema_shape import ROOT_FIELDS

_WRITE_PARAMETERS: Final = [
    {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
    for name in ("dryRun", "fieldManager", "fieldValidation")
]
_STRINGS: Final = {"type": "object", "additionalProperties": {"type": "string"}}
_METADATA: Final = {
    "type": "object",
    "description": "ObjectMeta is metadata that all persisted resources must have.",
    "properties": {
        "name": {"type": "string", "description": NAME},
        "namespace": {"type": "string"},
        "generateName": {"type": "string"},
        "labels": _STRINGS,
        "annotations": _STRINGS,
        "finalizers": {"type": "array", "items": {"type": "string"}},
        "uid": {"type": "string"},
        "resourceVersion": {"type": "string"},
        "generation": {"type": "integer", "format": "int64"},
        "creationTimestamp": {"type": "string", "format": "date-time"},
        "deletionTimestamp": {"type": "string", "format": "date-time"},
        "ownerReferences": {"type": "array", "items": {"type": "object"}},
    },
}
_META_NAME: Final = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


V2_MEDIA_TYPE: Final = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
V2_EMPTY: Final = b"\x0a\x032.0\x12\x15\x0a\x0aKubernetes\x12\x07v1.32.0"
"""An OpenAPI v2 document without definitions, as protobuf: kubectl asks for it to validate a
`kind: List`, skips kinds that it does not find there, and leaves the items to the server."""


def index(registry: Registry) -> dict[str, Any]:
    """The paths of the documents. The hash in the URL lets kubectl keep them until they change."""
    paths = {}
    for group, version in registry.group_versions():
        place = f"apis/{group}/{version}" if group else f"api/{version}"
        digest = hashlib.sha256(orjson.dumps(group_version(registry, group, version))).hexdigest()
        paths[place] = {"serverRelativeURL": f"/openapi/v3/{place}?hash={digest.upper()}"}
    return {"paths": paths}


def group_version(registry: Registry, group: str, version: str) -> dict[str, Any]:
    types = registry.of_version(group, version)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "v1.32.0"},
        "paths": {_path(rt): _operations(rt) for rt in types},
        "components": {
            "schemas": {_META_NAME: _METADATA, **{_schema_name(rt): _schema(rt) for rt in types}}
        },
    }


def _path(rt: ResourceType) -> str:
    root = f"/apis/{rt.group}/{rt.version}" if rt.group else f"/api/{rt.version}"
    return f"{root}{'/namespaces/{namespace}' if rt.namespaced else ''}/{rt.plural}/{{name}}"


def _operations(rt: ResourceType) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{_schema_name(rt)}"}
    responses = {
        "200": {"description": "OK", "content": {"application/json": {"schema": reference}}}
    }
    operations = {}
    for method, action in (("get", "get"), ("put", "put"), ("patch", "patch")):
        operations[method] = {
            "responses": responses,
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": _gvk(rt),
            **({} if method == "get" else {"parameters": _WRITE_PARAMETERS}),
        }
    return operations


def _schema(rt: ResourceType) -> dict[str, Any]:
    base = rt.schema or {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    meta = {
        "allOf": [{"$ref": f"#/components/schemas/{_META_NAME}"}],
        "description": METADATA,
        "default": {},
    }
    properties = {
        "apiVersion": {"type": "string", "description": API_VERSION},
        "kind": {"type": "string", "description": KIND},
        **{k: v for k, v in base.get("properties", {}).items() if k not in ROOT_FIELDS},
        "metadata": meta,
    }
    return {**base, "properties": properties, "x-kubernetes-group-version-kind": [_gvk(rt)]}


def _schema_name(rt: ResourceType) -> str:
    reversed_group = ".".join(reversed(rt.group.split("."))) if rt.group else "io.k8s.api.core"
    return f"{reversed_group}.{rt.version}.{rt.kind}"


def _gvk(rt: ResourceType) -> dict[str, str]:
    return {"group": rt.group, "version": rt.version, "kind": rt.kind}
