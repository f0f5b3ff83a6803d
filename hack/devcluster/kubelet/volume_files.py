"""The files of configMap, secret, downwardAPI and projected volumes. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from devcluster.history import Object
from devcluster.kubelet.lookup import ConfigError, Lookup, data_of, field_value

DEFAULT_MODE: Final = 0o644


@dataclass(frozen=True, slots=True)
class VolumeFile:
    data: bytes
    mode: int = DEFAULT_MODE


Files = dict[str, VolumeFile]


def files_of(volume: Object, pod: Object, lookup: Lookup) -> Files | None:
    """By relative path; None for a volume that is a plain directory. Raises ConfigError."""
    for kind, make in SOURCES.items():
        if (source := volume.get(kind)) is not None:
            return make(source, pod, lookup, source.get("defaultMode") or DEFAULT_MODE)
    return None


def _config_map(source: dict[str, Any], _: Object, lookup: Lookup, mode: int) -> Files:
    return _of_data("configmap", "config", source.get("name", ""), source, lookup, mode)


def _secret(source: dict[str, Any], _: Object, lookup: Lookup, mode: int) -> Files:
    name = source.get("secretName") or source.get("name", "")  # the latter: in projected
    return _of_data("secret", "secret", name, source, lookup, mode)


def _of_data(
    kind: str, word: str, name: str, source: dict[str, Any], lookup: Lookup, mode: int
) -> Files:
    optional = bool(source.get("optional"))
    data = data_of(kind, name, optional, lookup) or {}
    if not source.get("items"):
        return {key: VolumeFile(value, mode) for key, value in data.items()}
    files: Files = {}
    for item in source["items"]:
        if item["key"] in data:
            files[_inside(item["path"])] = VolumeFile(data[item["key"]], item.get("mode") or mode)
        elif not optional:
            raise ConfigError(f"references non-existent {word} key: {item['key']}")
    return files


def _downward(source: dict[str, Any], pod: Object, _: Lookup, mode: int) -> Files:
    files: Files = {}
    for item in source.get("items") or ():
        if "fieldRef" not in item:
            raise ConfigError(f"{item['path']}: devcluster's downwardAPI does fieldRef only")
        value = field_value(pod, item["fieldRef"]["fieldPath"])
        files[_inside(item["path"])] = VolumeFile(value.encode(), item.get("mode") or mode)
    return files


def _projected(source: dict[str, Any], pod: Object, lookup: Lookup, mode: int) -> Files:
    files: Files = {}
    for part in source.get("sources") or ():
        for kind, inner in part.items():
            if kind not in SOURCES:
                raise ConfigError(f"devcluster projects {', '.join(SOURCES)}; not {kind}")
            files |= SOURCES[kind](inner, pod, lookup, mode)
    return files


def _inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise ConfigError(f"path {path!r}: must be relative and without '..'")
    return path


SOURCES: Final[Mapping[str, Callable[[dict[str, Any], Object, Lookup, int], Files]]] = {
    "configMap": _config_map,
    "secret": _secret,
    "downwardAPI": _downward,
    "projected": _projected,
}
