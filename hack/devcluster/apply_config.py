"""What a server-side apply may say: decoded body -> checked() -> what it can write. Pure."""

from typing import Any

from devcluster import apierrors
from devcluster.apierrors import ApiError, bad_request
from devcluster.history import Object
from devcluster.resources import ResourceType
from devcluster.schema_shape import prune
from devcluster.store import copy_of


def checked(rt: ResourceType, name: str, config: Any, subresource: str) -> Object:
    """A copy, without what this subresource does not write."""
    if not isinstance(config, dict):
        raise bad_request("the body of an apply must be one object")
    if (config.get("apiVersion"), config.get("kind")) != (rt.api_version, rt.kind):
        group_version, kind = config.get("apiVersion") or "/", config.get("kind") or ""
        raise bad_request(f"invalid object type: {group_version}, Kind={kind}")
    metadata = config.get("metadata") or {}
    if metadata.get("managedFields"):
        raise bad_request("metadata.managedFields must be nil")
    if metadata.get("name", name) != name:
        raise apierrors.another_name(metadata["name"], name)
    _check_fields(rt, config, metadata)
    wanted: Object = copy_of({**config, "metadata": {"name": name, **metadata}})
    if subresource == "status":
        kept: Object = {k: wanted[k] for k in ("apiVersion", "kind", "status") if k in wanted}
        return {**kept, "metadata": {"name": name, **_version(metadata)}}
    if rt.has_status:
        wanted.pop("status", None)
    return wanted


def _check_fields(rt: ResourceType, config: Object, metadata: Object) -> None:
    """The server knows no strictness here: a field without a type cannot be owned."""
    if rt.schema is None:
        return
    if unknown := prune(copy_of(config), rt.schema):
        name = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
        where = f"({name}; {rt.api_version}, Kind={rt.kind})"
        words = "\n".join(f".{path}: field not declared in schema" for path in unknown)
        message = f"failed to create typed patch object {where}: {words}"
        raise ApiError(500, "", message)


def _version(metadata: Object) -> Object:
    version = metadata.get("resourceVersion")
    return {"resourceVersion": version} if version else {}
