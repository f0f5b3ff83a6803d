"""Who has set which field: metadata.managedFields after a write. Pure but for the time.

old, new object + Writer -> updated(); managedFields <-> Entries
"""

from dataclasses import dataclass
from typing import Any, Final

from devcluster.field_sets import NONE, Fields, compare, from_v1, to_v1
from devcluster.field_types import root_type
from devcluster.history import Object
from devcluster.resources import ResourceType
from devcluster.small_kinds import BLANK
from devcluster.store import timestamp

_SERVERS: Final = frozenset(
    {
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                *("name", "namespace", "creationTimestamp", "selfLink", "uid", "generation"),
                *("managedFields", "resourceVersion", "generateName"),
                *("deletionTimestamp", "deletionGracePeriodSeconds"),
            )
        ),
    }
)
"""Fields that are nobody's."""


@dataclass(frozen=True, slots=True, order=True)
class Writer:
    """Who writes, and how: the identity of an entry."""

    operation: str
    manager: str
    subresource: str
    version: str


@dataclass(frozen=True, slots=True)
class Entry:
    fields: Fields
    time: str = ""


Entries = dict[Writer, Entry]


def updated(
    rt: ResourceType, old: Object | None, new: Object, writer: Writer, given: Any = None
) -> list[Object]:
    """After a write that is no apply: what it has changed is the writer's now.

    A client may send managedFields of its own (`given`), as kubectl does when it takes to apply.
    """
    entries = read(given) or read((old or {}).get("metadata", {}).get("managedFields"))
    if old is not None and not entries:
        return []  # an object that nobody's fields are known of stays so until it is applied
    before = old if old is not None else BLANK.get(rt.key, {})
    found = compare(own_part(before), own_part(new), root_type(rt))
    changed = frozenset(path for path in found.changed if counts(path, writer, rt))
    entries = taken_away(entries, changed | found.removed, but=None)
    if changed:
        owned = entries.get(writer, Entry(NONE)).fields
        entries[writer] = Entry(owned | changed, timestamp())
    return write(entries)


def forgotten(managed: Any, path: tuple[str, ...]) -> list[Object]:
    """Without a field that a controller has taken away, and a list that is empty without it."""
    entries = read(managed)
    for gone in (path, path[:-1]):
        every = {field for entry in entries.values() for field in entry.fields}
        inside = frozenset(field for field in every if field[: len(gone)] == gone)
        if gone == path or not any(len(field) > len(gone) for field in inside):
            entries = taken_away(entries, inside, but=None)
    return write(entries)


def read(managed: Any) -> Entries:
    return {
        Writer(
            entry.get("operation", ""),
            entry.get("manager", ""),
            entry.get("subresource", ""),
            entry.get("apiVersion", ""),
        ): Entry(from_v1(entry.get("fieldsV1") or {}), entry.get("time", ""))
        for entry in managed or ()
        if entry
    }


def write(entries: Entries) -> list[Object]:
    """In the server's order: applies first, then by time and name."""
    ordered = sorted(entries.items(), key=lambda e: (e[0].operation, e[1].time, e[0]))
    return [
        {
            "manager": writer.manager,
            "operation": writer.operation,
            "apiVersion": writer.version,
            **({"time": entry.time} if entry.time else {}),
            "fieldsType": "FieldsV1",
            "fieldsV1": to_v1(entry.fields),
            **({"subresource": writer.subresource} if writer.subresource else {}),
        }
        for writer, entry in ordered
        if entry.fields
    ]


def taken_away(entries: Entries, fields: Fields, *, but: Writer | None) -> Entries:
    return {
        writer: entry if writer == but else Entry(entry.fields - fields, entry.time)
        for writer, entry in entries.items()
        if writer == but or entry.fields - fields
    }


def own_part(obj: Object) -> Object:
    """Without managedFields, which own nothing of themselves."""
    metadata = {k: v for k, v in (obj.get("metadata") or {}).items() if k != "managedFields"}
    return {**obj, "metadata": metadata} if metadata else obj


def counts(path: tuple[str, ...], writer: Writer, rt: ResourceType) -> bool:
    """Not what is the server's, nor what this writer cannot write."""
    if path in _SERVERS or not path or (rt.key == "namespaces" and path[0] == "f:spec"):
        return False
    if writer.subresource == "status":
        return path[0] == "f:status"
    return path[0] != "f:status" or not rt.has_status
