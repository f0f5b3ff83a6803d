"""Server-side apply: the object that comes of it and who owns what then, or 409 with the owners.

live object + config -> applied() -> object, managedFields
"""

from collections.abc import Mapping

from devcluster.apierrors import ApiError
from devcluster.field_merge import merged, without
from devcluster.field_sets import NONE, Fields, compare, fields_of
from devcluster.field_types import FieldType, root_type
from devcluster.history import Object
from devcluster.last_applied import MANAGER, last_applied, with_annotation
from devcluster.managed_fields import (
    Entries,
    Entry,
    Writer,
    counts,
    own_part,
    read,
    taken_away,
    updated,
    write,
)
from devcluster.resources import ResourceType
from devcluster.store import timestamp


def applied(
    rt: ResourceType, live: Object | None, config: Object, writer: Writer, *, force: bool
) -> tuple[Object, list[Object]]:
    root, before, wanted = root_type(rt), own_part(live or {}), own_part(config)
    entries = _owners(rt, live)
    last = entries.get(writer, Entry(NONE))
    mine = frozenset(path for path in fields_of(wanted, root) if counts(path, writer, rt))
    entries[writer] = Entry(mine, last.time)
    owned: Fields = NONE.union(*(entry.fields for entry in entries.values()))
    joined: Object = merged(before, wanted, root)
    new: Object = without(joined, last.fields - owned, owned, root)
    found = compare(before, new, root)
    client_side = last_applied(live) if writer.manager == MANAGER else None
    if not force:
        _check_conflicts(entries, writer, found.changed, _allowed(client_side, root))
    entries = taken_away(entries, found.changed, but=writer)
    entries = taken_away(entries, found.removed, but=None)
    if new != before:
        entries[writer] = Entry(mine, timestamp())
    if client_side is not None:
        new = with_annotation(new, config)
    return {**(live or {}), **new}, write(entries)


def _owners(rt: ResourceType, live: Object | None) -> Entries:
    """Of an object that nobody's fields are known of, all are of before the first apply."""
    entries = read((live or {}).get("metadata", {}).get("managedFields"))
    if live is None or entries:
        return entries
    first = Writer("Update", "before-first-apply", "", rt.api_version)
    return read(updated(rt, None, live, first))


def _allowed(client_side: Object | None, root: FieldType) -> Fields:
    """What kubectl applied on the client's side is its own on the server's side, too."""
    return NONE if client_side is None else frozenset(fields_of(client_side, root))


def _check_conflicts(entries: Entries, writer: Writer, changed: Fields, allowed: Fields) -> None:
    found = {
        other: entry.fields & changed
        for other, entry in entries.items()
        if other != writer and entry.fields & changed
    }
    if not NONE.union(*found.values()) <= allowed:
        raise _conflict(found)


def _conflict(conflicts: Mapping[Writer, Fields]) -> ApiError:
    """In the server's words: by manager, each with its fields."""
    told = {_name(writer): sorted(map(_shown, fields)) for writer, fields in conflicts.items()}
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {name}", "field": field}
        for name, fields in sorted(told.items())
        for field in fields
    ]
    count = len(causes)
    if count == 1:
        words = f"1 conflict: {causes[0]['message']}: {causes[0]['field']}"
    else:
        listed = "\n".join(
            f"conflicts with {name}:\n" + "\n".join(f"- {field}" for field in fields)
            for name, fields in sorted(told.items())
        )
        words = f"{count} conflicts: {listed}"
    details = {"causes": causes}
    return ApiError(409, "Conflict", f"Apply failed with {words}", details=details)


def _name(writer: Writer) -> str:
    """An apply is known by its name alone."""
    shown = f'"{writer.manager}"'
    if writer.subresource:
        shown += f' with subresource "{writer.subresource}"'
    return shown if writer.operation == "Apply" else f"{shown} using {writer.version}"


def _shown(path: tuple[str, ...]) -> str:
    shown = ""
    for element in path:
        kind, _, rest = element.partition(":")
        if kind == "f":
            shown += f".{rest}"
        elif kind == "k":
            keys = rest.strip("{}").replace('":', "=").replace(',"', ",").lstrip('"')
            shown += f"[{keys}]"
        else:
            shown += f"[={rest}]"
    return shown
