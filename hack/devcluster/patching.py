"""The three patches that clients send: merge (RFC 7386), JSON (RFC 6902), strategic merge.

old object + patch document -> new object. Pure.
"""

from typing import Any, Final

import jsonpatch
import jsonpointer

from devcluster.apierrors import ApiError, bad_request
from devcluster.history import Object
from devcluster.store import copy_of

MERGE: Final = "application/merge-patch+json"
JSON: Final = "application/json-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"
APPLY: Final = "application/apply-patch+yaml"

MERGE_KEYS: Final = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "env": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "secrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "conditions": "type",
    "addresses": "type",
    "ownerReferences": "uid",
}
"""Lists of the built-in types that a strategic patch merges by key, and those by value below."""

MERGED_BY_VALUE: Final = frozenset({"finalizers"})


def apply_patch(old: Object, patch: Any, content_type: str) -> Object:
    """The patched object; `old` is not touched."""
    if content_type == JSON:
        return _json_patch(old, patch)
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: a patch of this type is an object")
    merged = merge(old, patch) if content_type == MERGE else strategic_merge(old, patch)
    return copy_of(merged)


def merge(old: Any, patch: Any) -> Any:
    """RFC 7386: null removes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    new = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
        else:
            new[key] = merge(new.get(key), value)
    return new


def strategic_merge(old: Object, patch: Object) -> Object:
    """As merge, but known lists merge by key, and the $ directives of kubectl are followed."""
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    new = dict(old)
    for key in patch.get("$retainKeys", new) and [k for k in new if _dropped(k, patch)]:
        del new[key]
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            new[name] = [item for item in new.get(name, []) if item not in value]
        elif not key.startswith("$"):
            _merge_field(new, key, value)
    for key, order in patch.items():
        if key.startswith("$setElementOrder/"):
            _reorder(new, key.partition("/")[2], order)
    return new


def _dropped(key: str, patch: Object) -> bool:
    return "$retainKeys" in patch and key not in patch["$retainKeys"]


def _merge_field(new: Object, key: str, value: Any) -> None:
    if value is None or (isinstance(value, dict) and value.get("$patch") == "delete"):
        new.pop(key, None)
    elif isinstance(value, dict):
        old = new.get(key)
        new[key] = strategic_merge(old if isinstance(old, dict) else {}, value)
    elif isinstance(value, list) and key in MERGE_KEYS and _is_objects(value):
        new[key] = _merge_list(new.get(key) or [], value, MERGE_KEYS[key])
    elif isinstance(value, list) and key in MERGED_BY_VALUE:
        new[key] = list(dict.fromkeys([*(new.get(key) or []), *value]))
    else:
        new[key] = value


def _merge_list(old: list[Any], patch: list[Any], by: str) -> list[Any]:
    if any(item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if "$patch" not in item]
    items = {item.get(by): item for item in old}
    for item in patch:
        if item.get("$patch") == "delete":
            items.pop(item.get(by), None)
        else:
            items[item.get(by)] = strategic_merge(items.get(item.get(by)) or {}, item)
    return list(items.values())


def _reorder(new: Object, name: str, order: list[Any]) -> None:
    """Elements that the order does not name keep their place behind those it names."""
    by = MERGE_KEYS.get(name)
    wanted = [item.get(by) if isinstance(item, dict) else item for item in order]

    def position(item: Any) -> int:
        key = item.get(by) if isinstance(item, dict) else item
        return wanted.index(key) if key in wanted else len(wanted)

    if isinstance(new.get(name), list):
        new[name] = sorted(new[name], key=position)


def _is_objects(items: list[Any]) -> bool:
    return all(isinstance(item, dict) for item in items)


def _json_patch(old: Object, patch: Any) -> Object:
    try:
        patched: Object = jsonpatch.JsonPatch(patch).apply(copy_of(old))
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
        words = "the server rejected our request due to an error in our request"
        raise ApiError(422, "Invalid", words, details={}) from error
    return patched
