"""The environment of a container, from its spec. Pure.

envFrom -> env (value | valueFrom) -> $(NAME) -> local paths and ports
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from devcluster.history import Object
from devcluster.kubelet.expansion import expand
from devcluster.kubelet.local_paths import LocalPaths
from devcluster.kubelet.lookup import ConfigError, Lookup, data_of, field_value, value_of_key

DEFAULT_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SERVICE: Final = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
"""As in a pod, for who asks whether it is in one. Nobody answers there: pods get no token."""


def specified_env(pod: Object, container: Object, lookup: Lookup) -> dict[str, str]:
    """What the spec says. Raises ConfigError.

    As with the real one, a value's $(NAME) sees the entries of `env` above it, not `envFrom`.
    """
    result = _from_sources(container, lookup)
    entries: dict[str, str] = {}
    for entry in container.get("env") or ():
        if entry.get("value"):
            value: str | None = expand(entry["value"], entries)
        elif entry.get("valueFrom"):
            value = _value_from(pod, entry["name"], entry["valueFrom"], lookup)
        else:
            value = ""
        if value is not None:
            entries[entry["name"]] = value
    return result | entries


def _from_sources(container: Object, lookup: Lookup) -> dict[str, str]:
    result: dict[str, str] = {}
    for source in container.get("envFrom") or ():
        kind = "secret" if "secretRef" in source else "configmap"
        ref = source.get("secretRef") or source.get("configMapRef") or {}
        data = data_of(kind, ref.get("name", ""), bool(ref.get("optional")), lookup) or {}
        for key, value in data.items():
            result[source.get("prefix", "") + key] = value.decode("utf-8", "surrogateescape")
    return result


def _value_from(pod: Object, name: str, source: dict[str, Any], lookup: Lookup) -> str | None:
    namespace = pod["metadata"]["namespace"]
    if ref := source.get("secretKeyRef"):
        return value_of_key("secret", ref, namespace, lookup)
    if ref := source.get("configMapKeyRef"):
        return value_of_key("configmap", ref, namespace, lookup)
    if ref := source.get("fieldRef"):
        return field_value(pod, ref["fieldPath"])
    known = "secretKeyRef, configMapKeyRef and fieldRef"
    raise ConfigError(f"env {name}: devcluster resolves {known}, not {', '.join(source)}")


def pod_env(pod: Object, home: str) -> dict[str, str]:
    """What every container has without asking for it: nothing of the developer's environment."""
    hostname = pod["spec"].get("hostname") or pod["metadata"]["name"]
    return {"PATH": DEFAULT_PATH, "HOSTNAME": hostname[:63], "HOME": home, **SERVICE}


def local_env(
    env: Mapping[str, str], paths: LocalPaths, ports: Mapping[int, int], first: Sequence[str]
) -> dict[str, str]:
    """Paths and ports as they are on this machine; the directories `first` lead PATH."""
    result = {name: paths.in_value(value) for name, value in env.items()}
    by_text = {str(port): str(local) for port, local in ports.items()}
    for name, value in env.items():
        if name.endswith("_PORT") and value in by_text:
            result[name] = by_text[value]
    result["PATH"] = ":".join([*first, result["PATH"]])
    return result
