"""What the pods of all executions of a site start from (`--pod-template`), below spec.podTemplate.

files -> site_template() -> laid_over(it, spec.podTemplate) -> pod_spec.py
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from posixpath import normpath
from typing import Any, Final

import yaml

from ccx_api.names import HOME_DIR
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.pod_template import template_refusal

Body = dict[str, Any]

_KEYS: Final[Mapping[str, str]] = {
    "containers": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
"""Lists whose items are known by a key, as `kubectl apply` knows them. Another list is replaced."""

_MERGED: Final = frozenset({"containers", "initContainers"})
"""Of these the items, too. Elsewhere one of the same key is replaced: a volume has one source."""


def site_template(paths: Iterable[Path]) -> Body:
    """The later over the earlier. ValueError if one is not allowed, with the field."""
    found: Body = {}
    for path in paths:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        if not isinstance(content, dict):
            raise ValueError(f"{path}: must be an object with metadata and spec")
        if refused := template_refusal(content) or _home(content):
            raise ValueError(f"{path}: {refused}")
        found = laid_over(found, content)
    return found


def with_template(execution: ClaudeExecution, template: Body) -> ClaudeExecution:
    """As it would be if its author had written the site's template below their own."""
    if not template:
        return execution
    merged = laid_over(template, execution.spec.pod_template or {})
    spec = execution.spec.model_copy(update={"pod_template": merged})
    return execution.model_copy(update={"spec": spec})


def laid_over(lower: Body, upper: Body) -> Body:
    merged = dict(lower)
    for name, value in upper.items():
        below = lower.get(name)
        if isinstance(below, dict) and isinstance(value, dict):
            merged[name] = laid_over(below, value)
        elif isinstance(below, list) and isinstance(value, list):
            merged[name] = _list(name, below, value)
        elif value is not None:
            merged[name] = value
    return merged


def _list(name: str, lower: list[Body], upper: list[Body]) -> list[Body]:
    if name == "envFrom":
        return [*lower, *upper]
    key = _KEYS.get(name)
    if key is None:
        return upper
    by_key = {item.get(key): item for item in lower}
    for item in upper:
        below = by_key.get(item.get(key))
        merged = laid_over(below or {}, item) if name in _MERGED else item
        by_key[item.get(key)] = merged
    return list(by_key.values())


def _home(template: Body) -> str:
    """Whether a conversation is kept is told by the execution's own words."""
    for container in (template.get("spec") or {}).get("containers") or ():
        for mount in container.get("volumeMounts") or ():
            if normpath(mount["mountPath"]) == HOME_DIR:
                return f"{HOME_DIR}: conversations are kept there: mount it in spec.podTemplate"
    return ""
