"""The rules of metadata that every object shares: names, labels, what a client may not change.

decoded body -> for_create() / for_update() -> the metadata that is stored. Pure.
"""

import re
import secrets
from typing import Any, Final

from devcluster import field_errors as errors
from devcluster.apierrors import ApiError, FieldError, another_name, bad_request, conflict
from devcluster.history import Object
from devcluster.resources import ResourceType

SUBDOMAIN: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
STANDARD_FINALIZERS: Final = frozenset({"kubernetes", "orphan", "foregroundDeletion"})
QUALIFIED: Final = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
LABEL_VALUE: Final = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"

SERVERS: Final = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "resourceVersion",
    "generateName",
    "selfLink",
)
"""Fields of metadata that no update changes."""


def for_create(metadata: dict[str, Any], namespace: str) -> dict[str, Any]:
    """A client's metadata without what is the server's to say; the name is generated if asked."""
    given = metadata.get("namespace", "")
    if given and given != namespace:
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if metadata.get("resourceVersion"):
        words = "resourceVersion should not be set on objects to be created"
        raise ApiError(500, "", words)
    kept = {k: v for k, v in metadata.items() if k not in SERVERS and k != "managedFields"}
    name, prefix = metadata.get("name"), metadata.get("generateName")
    if not name and prefix:
        name = f"{prefix[:58]}{_suffix()}"
    kept = _without_empty(kept)
    named = {"name": name or "", **({"generateName": prefix} if prefix else {})}
    return {**named, **({"namespace": namespace} if namespace else {}), **kept}


def for_update(rt: ResourceType, metadata: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """A client's metadata with the server's fields as they were; Conflict if it saw others."""
    name = old["name"]
    if metadata.get("name", name) != name:
        raise another_name(metadata["name"], name)
    if metadata.get("uid") not in (None, "", old["uid"]):
        words = (
            f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: "
            f"{old['uid']}"
        )
        raise conflict(rt, name, words)
    if metadata.get("resourceVersion") not in (None, "", old["resourceVersion"]):
        raise conflict(rt, name)
    kept = {k: v for k, v in metadata.items() if k not in SERVERS and k != "managedFields"}
    return {**{key: old[key] for key in SERVERS if key in old}, **_without_empty(kept)}


def _without_empty(metadata: dict[str, Any]) -> dict[str, Any]:
    """An empty list or map of metadata is none, for the real server."""
    return {key: value for key, value in metadata.items() if value not in (None, [], {}, "")}


def check(metadata: dict[str, Any], old: dict[str, Any] | None) -> list[FieldError]:
    name = metadata["name"]
    found = []
    if not name:
        found.append(errors.required("metadata.name", "name or generateName is required"))
    elif len(name) > 253:
        found.append(errors.invalid("metadata.name", name, "must be no more than 253 characters"))
    elif not re.fullmatch(SUBDOMAIN, name):
        found.append(errors.invalid("metadata.name", name, _SUBDOMAIN_WORDS))
    for key, value in (metadata.get("labels") or {}).items():
        found += _check_key("metadata.labels", key) + _check_label(value)
    for key in metadata.get("annotations") or {}:
        found += _check_key("metadata.annotations", key)
    for owner in metadata.get("ownerReferences") or []:
        if not owner.get("uid"):
            words = "must not be empty"
            found.append(errors.invalid("metadata.ownerReferences.uid", "", words))
    return found + _check_finalizers(metadata, old or {})


def check_types(rt: ResourceType, metadata: dict[str, Any]) -> None:
    """The real server decodes metadata into a struct: what does not fit is no object at all."""
    for name in ("labels", "annotations"):
        for value in (metadata.get(name) or {}).values():
            if not isinstance(value, str):
                place = f"ObjectMeta.{'' if rt.is_custom else 'metadata.'}{name}"
                kind = "number" if isinstance(value, int | float) else "object"
                kind = "bool" if isinstance(value, bool) else kind
                raise bad_request(
                    f'{rt.kind} in version "{rt.version}" cannot be handled as a {rt.kind}: json: '
                    f"cannot unmarshal {kind} into Go struct field {place} of type string"
                )


def _check_key(path: str, key: str) -> list[FieldError]:
    """A qualified name: a DNS prefix and a slash may stand before it."""
    name = key.rpartition("/")[2]
    if len(name) <= 63 and re.fullmatch(QUALIFIED, name):
        return []
    return [errors.invalid(path, key, _KEY_WORDS)]


def _check_label(value: str) -> list[FieldError]:
    if len(value) > 63:
        return [errors.invalid("metadata.labels", value, "must be no more than 63 characters")]
    if not re.fullmatch(LABEL_VALUE, value):
        return [errors.invalid("metadata.labels", value, _LABEL_WORDS)]
    return []


def check_finalizer_names(metadata: dict[str, Any]) -> list[FieldError]:
    """Of built-in kinds; a custom resource is only warned."""
    words = "name is neither a standard finalizer name nor is it fully qualified"
    return [
        errors.invalid(f"metadata.finalizers[{index}]", name, words)
        for index, name in enumerate(metadata.get("finalizers") or [])
        if "/" not in name and name not in STANDARD_FINALIZERS
    ]


def _check_finalizers(metadata: dict[str, Any], old: dict[str, Any]) -> list[FieldError]:
    if not old.get("deletionTimestamp"):
        return []
    added = [f for f in metadata.get("finalizers") or [] if f not in (old.get("finalizers") or [])]
    if not added:
        return []
    listed = ", ".join(f'"{name}"' for name in added)
    words = (
        "no new finalizers can be added if the object is being deleted, found new finalizers "
        f"[]string{{{listed}}}"
    )
    return [errors.forbidden("metadata.finalizers", words)]


def own_fields(obj: Object) -> Object:
    """What counts for the generation: everything but metadata and status."""
    return {k: v for k, v in obj.items() if k not in ("metadata", "status")}


def _suffix() -> str:
    """Five characters of the alphabet that the server uses: no vowels, no look-alikes."""
    return "".join(secrets.choice("bcdfghjklmnpqrstvwxz2456789") for _ in range(5))


_SUBDOMAIN_WORDS: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    f"for validation is '{SUBDOMAIN}')"
)
_KEY_WORDS: Final = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    f"validation is '{QUALIFIED}')"
)
_LABEL_WORDS: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    f"or '12345', regex used for validation is '{LABEL_VALUE}')"
)
