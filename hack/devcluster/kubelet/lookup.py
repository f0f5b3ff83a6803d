"""What a pod's spec refers to: Secrets, ConfigMaps and the pod's own fields. Pure.

ConfigError carries the words that a kubelet puts into a status or an Event.
"""

import base64
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from devcluster.history import Object

NODE_IP: Final = "127.0.0.1"
SUBSCRIPT: Final = re.compile(r"^metadata\.(labels|annotations)\['([^']+)'\]$")

Lookup = Callable[[str, str], Object | None]
"""(resource, name) to the object of that name in the pod's namespace."""


class ConfigError(Exception):
    """Something that the pod refers to is not there. May be cured from outside: worth a retry."""


def secret_data(secret: Object) -> dict[str, bytes]:
    return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}


def config_map_data(config_map: Object) -> dict[str, bytes]:
    text = {key: value.encode() for key, value in (config_map.get("data") or {}).items()}
    binary = (config_map.get("binaryData") or {}).items()
    return text | {key: base64.b64decode(value) for key, value in binary}


SOURCES: Final[Mapping[str, tuple[str, str, Callable[[Object], dict[str, bytes]]]]] = {
    "secret": ("secrets", "Secret", secret_data),
    "configmap": ("configmaps", "ConfigMap", config_map_data),
}


def data_of(kind: str, name: str, optional: bool, lookup: Lookup) -> dict[str, bytes] | None:
    """The data of a "secret" or "configmap"; None if it is missing and may be."""
    resource, _, decode = SOURCES[kind]
    found = lookup(resource, name)
    if found is not None:
        return decode(found)
    if optional:
        return None
    raise ConfigError(f'{kind} "{name}" not found')


def value_of_key(kind: str, ref: dict[str, Any], namespace: str, lookup: Lookup) -> str | None:
    """A secretKeyRef or configMapKeyRef; None if it is missing and may be."""
    optional = bool(ref.get("optional"))
    data = data_of(kind, ref.get("name", ""), optional, lookup)
    if data is None:
        return None
    if ref["key"] in data:
        return data[ref["key"]].decode("utf-8", "surrogateescape")
    if optional:
        return None
    raise ConfigError(
        f"couldn't find key {ref['key']} in {SOURCES[kind][1]} {namespace}/{ref.get('name', '')}"
    )


def field_value(pod: Object, path: str) -> str:
    """A fieldRef. Missing labels and annotations are empty, as with the real one."""
    metadata, spec = pod["metadata"], pod["spec"]
    if match := SUBSCRIPT.match(path):
        return str((metadata.get(match[1]) or {}).get(match[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        entries = (metadata.get(path.removeprefix("metadata.")) or {}).items()
        return "\n".join(f"{key}={_quoted(value)}" for key, value in sorted(entries))
    fields: dict[str, Callable[[], Any]] = {
        "metadata.name": lambda: metadata["name"],
        "metadata.namespace": lambda: metadata["namespace"],
        "metadata.uid": lambda: metadata["uid"],
        "spec.nodeName": lambda: spec.get("nodeName", ""),
        "spec.serviceAccountName": lambda: spec.get("serviceAccountName", "default"),
        "status.podIP": lambda: NODE_IP,
        "status.podIPs": lambda: NODE_IP,
        "status.hostIP": lambda: NODE_IP,
        "status.hostIPs": lambda: NODE_IP,
    }
    if path not in fields:
        raise ConfigError(f"field label not supported: {path}")
    return str(fields[path]())


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
