"""All objects on disk, so that a devcluster finds them again: `--data-dir`.

store change -> one JSON line appended; at start: read, rewritten with what is left

Not synced to the disk: it outlives the process and not a crash of the machine.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import orjson

from devcluster.history import Change, Object
from devcluster.resources import CRDS
from devcluster.store import Store, key_of

COMPACT_AFTER: Final = 20_000
"""Lines appended before the file is written anew: it holds at most that many that are outdated."""


class Journal:
    def __init__(self, directory: Path, store: Store) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._path = directory / "objects.jsonl"
        self._store = store
        objects, version = _read(self._path)
        store.restore(objects, version)
        self._rewrite()
        store.listen(self._append)

    def close(self) -> None:
        self._file.close()

    def _append(self, change: Change) -> None:
        self._lines += 1
        line = {"type": change.type, "resource": change.resource, "object": change.object}
        self._file.write(orjson.dumps(line) + b"\n")
        if self._lines > COMPACT_AFTER:
            self._file.close()
            self._rewrite()

    def _rewrite(self) -> None:
        """In a new file that takes the place of the old one, so that neither is ever half there."""
        new = self._path.with_suffix(".new")
        with new.open("wb") as file:
            file.write(orjson.dumps({"version": self._store.version}) + b"\n")
            for resource in self._store.resources():
                for obj in self._store.list(resource):
                    line = {"type": "ADDED", "resource": resource, "object": obj}
                    file.write(orjson.dumps(line) + b"\n")
        new.replace(self._path)
        self._file = self._path.open("ab", buffering=0)
        self._lines = 0


def _read(path: Path) -> tuple[list[tuple[str, Object]], int]:
    """The objects that are left, definitions first, and the newest version that was given out."""
    objects: dict[tuple[str, str, str], Object] = {}
    version = 0
    for line in _lines(path):
        if "version" in line:
            version = max(version, line["version"])
            continue
        obj, place = line["object"], (line["resource"], *key_of(line["object"]))
        version = max(version, int(obj["metadata"]["resourceVersion"]))
        if line["type"] == "DELETED":
            objects.pop(place, None)
        else:
            objects[place] = obj
    in_order = sorted(objects.items(), key=lambda item: item[0][0] != CRDS)
    return [(place[0], obj) for place, obj in in_order], version


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return  # the process ended while it wrote
            yield orjson.loads(line)
