"""What spec.podTemplate may not ask for, each with the field's path and what would be right. Pure.

A partial pod template comes from people and is open: nothing of its shape is taken for granted.
"""

from collections.abc import Callable, Iterator, Mapping
from posixpath import normpath
from typing import Any, Final

from ccx_api.names import (
    AGENT_CONTAINER,
    CCX_DIR,
    RESERVED_ENV_PREFIX,
    RUN_DIR,
    RUNNER_CONTAINER,
)

Tree = Mapping[str, Any]

AGENT_UID: Final = 10001
OUR_VOLUMES: Final = "ccx-"
"""What the names of our own volumes begin with."""

MOST_CONTAINERS: Final = 10
"""The kubelet shares 12 KiB among all last words of a pod: the runner's take 1.2 KiB at least."""

_ROOT: Final = "spec.podTemplate"

_POD_MUST: Final[Mapping[str, tuple[object, str]]] = {
    "hostNetwork": (False, "the pod keeps its own network"),
    "hostPID": (False, "the pod keeps its own processes"),
    "hostIPC": (False, "the pod keeps its own IPC"),
    "shareProcessNamespace": (False, "the runner must be PID 1 of its container"),
    "restartPolicy": ("Never", "a second run is another execution"),
    "automountServiceAccountToken": (False, "the agent gets no service-account token"),
    "enableServiceLinks": (False, "name the services in spec.env instead"),
}
_POD_NEVER: Final = {
    "terminationGracePeriodSeconds": "set spec.terminationGracePeriodSeconds instead",
    "activeDeadlineSeconds": "set spec.activeDeadlineSeconds, for which paused time does not count",
    "ephemeralContainers": "use `kubectl debug` on the running pod",
}
_USER_MUST: Final[Mapping[str, tuple[object, str]]] = {
    "runAsUser": (AGENT_UID, "the volumes belong to that uid"),
    "runAsGroup": (AGENT_UID, "the volumes belong to that group"),
    "fsGroup": (AGENT_UID, "the volumes belong to that group"),
    "runAsNonRoot": (True, "Pod Security restricted"),
    "privileged": (False, "Pod Security restricted"),
    "allowPrivilegeEscalation": (False, "Pod Security restricted"),
    "procMount": ("Default", "Pod Security restricted"),
}
AGENT_MAY: Final = frozenset(
    {
        "name",
        "env",
        "envFrom",
        "imagePullPolicy",
        "ports",
        "resizePolicy",
        "resources",
        "securityContext",
        "volumeDevices",
        "volumeMounts",
    }
)
_AGENT_INSTEAD: Final = {
    "image": "set spec.image instead",
    "command": "set spec.command instead: the runner starts it",
    "args": "set spec.command instead: the runner starts it",
    "lifecycle": "a hook would run beside the runner: use an init container or a sidecar",
    "livenessProbe": "it would kill a paused process: use spec.activeDeadlineSeconds",
    "startupProbe": "use spec.startDeadlineSeconds",
    "readinessProbe": "readiness is how the runner says that the process runs freely",
    "workingDir": "the working directory is /workspace: mount a volume there",
}


def template_refusal(template: Tree) -> str:
    """The first thing that is refused, or nothing."""
    try:
        return next(_template(template), "")
    except _WrongShapeError as wrong:
        return str(wrong)


def _template(template: Tree) -> Iterator[str]:
    for key in template.keys() - {"metadata", "spec"}:
        yield f"{_ROOT}.{key}: is not a field of a pod template: use metadata and spec"
    metadata, spec = child(template, "metadata", _ROOT), child(template, "spec", _ROOT)
    for key in metadata.keys() - {"labels", "annotations"}:
        yield f"{_ROOT}.metadata.{key}: is the operator's: only labels and annotations are passed"
    for key in ("labels", "annotations"):
        path = f"{_ROOT}.metadata.{key}"
        for name, value in child(metadata, key, f"{_ROOT}.metadata").items():
            if not isinstance(value, str):
                yield f"{path}[{name}]: must be a string"
    yield from _pod(spec, f"{_ROOT}.spec")


def _pod(spec: Tree, path: str) -> Iterator[str]:
    yield from _must(spec, _POD_MUST, path)
    yield from (f"{path}.{key}: {why}" for key, why in _POD_NEVER.items() if key in spec)
    yield from _security(child(spec, "securityContext", path), f"{path}.securityContext")
    for where, volume in items(spec, "volumes", path):
        yield from _volume(volume, where)
    theirs = [*items(spec, "initContainers", path), *items(spec, "containers", path)]
    count = 2 + sum(container.get("name") != AGENT_CONTAINER for _, container in theirs)
    if count > MOST_CONTAINERS:
        yield (
            f"{path}.containers: {count} containers with the operator's two: "
            f"at most {MOST_CONTAINERS} of all kinds"
        )
    for field in ("initContainers", "containers"):
        for where, container in items(spec, field, path):
            yield from _container(container, where, agent=_is_agent(container, field))
            if container.get("name") == RUNNER_CONTAINER or (
                field == "initContainers" and container.get("name") == AGENT_CONTAINER
            ):
                yield f"{where}.name: {container.get('name')} is taken: choose another name"


def _is_agent(container: Tree, field: str) -> bool:
    return field == "containers" and container.get("name") == AGENT_CONTAINER


def _volume(volume: Tree, path: str) -> Iterator[str]:
    if str(volume.get("name", "")).startswith(OUR_VOLUMES):
        yield f"{path}.name: names that start with {OUR_VOLUMES} are the operator's"
    if "hostPath" in volume:
        yield f"{path}.hostPath: no path of the host: use a claim, an emptyDir or a ConfigMap"
    projected = child(volume, "projected", path)
    for where, source in items(projected, "sources", f"{path}.projected"):
        if "serviceAccountToken" in source:
            yield f"{where}.serviceAccountToken: the agent gets no service-account token"


def _container(container: Tree, path: str, *, agent: bool) -> Iterator[str]:
    yield from _security(child(container, "securityContext", path), f"{path}.securityContext")
    for where, port in items(container, "ports", path):
        if port.get("hostPort"):
            yield f"{where}.hostPort: no port of the host: use containerPort and a Service"
    for where, mount in items(container, "volumeMounts", path):
        if not isinstance(mount.get("mountPath"), str):
            yield f"{where}.mountPath: must be a path"
        elif str(mount.get("name", "")).startswith(OUR_VOLUMES):
            yield f"{where}.name: the volumes that start with {OUR_VOLUMES} are the runner's"
        elif agent and _is_ours(str(mount.get("mountPath", ""))):
            yield f"{where}.mountPath: {CCX_DIR} and {RUN_DIR} are the runner's: mount elsewhere"
    if not agent:
        return
    for key in sorted(container.keys() - AGENT_MAY):
        why = _AGENT_INSTEAD.get(key, "is the operator's on this container: leave it out")
        yield f"{path}.{key}: {why}"
    read_only = child(container, "securityContext", path).get("readOnlyRootFilesystem", True)
    if read_only is not True:
        yield (
            f"{path}.securityContext.readOnlyRootFilesystem: must be true: "
            "write to /workspace, /home/agent or /tmp"
        )
    yield from _environment(container, path)


def _environment(container: Tree, path: str) -> Iterator[str]:
    for part in ("requests", "limits"):
        child(child(container, "resources", path), part, f"{path}.resources")
    for where, variable in items(container, "env", path):
        if not isinstance(variable.get("name"), str):
            yield f"{where}.name: must be a string"
        if str(variable.get("name", "")).startswith(RESERVED_ENV_PREFIX):
            yield f"{where}.name: names that start with CCX_ are the runner's: choose another"
    for where, source in items(container, "envFrom", path):
        if str(source.get("prefix", "")).startswith(RESERVED_ENV_PREFIX):
            yield f"{where}.prefix: names that start with CCX_ are the runner's: choose another"


def _is_ours(mount_path: str) -> bool:
    path = normpath(f"/{mount_path.lstrip('/')}")
    return any(path == ours or path.startswith(f"{ours}/") for ours in (CCX_DIR, RUN_DIR))


def _security(context: Tree, path: str) -> Iterator[str]:
    yield from _must(context, _USER_MUST, path)
    profile = child(context, "seccompProfile", path)
    if profile.get("type", "RuntimeDefault") != "RuntimeDefault":
        yield f"{path}.seccompProfile.type: must be RuntimeDefault: Pod Security restricted"
    if child(context, "capabilities", path).get("add"):
        yield f"{path}.capabilities.add: must be empty: Pod Security restricted"
    if "windowsOptions" in context:
        yield f"{path}.windowsOptions: the runner needs Linux"


def _must(tree: Tree, rules: Mapping[str, tuple[object, str]], path: str) -> Iterator[str]:
    for key, (value, why) in rules.items():
        if key in tree and tree[key] is not None and tree[key] != value:
            right = str(value).lower() if isinstance(value, bool) else value
            yield f"{path}.{key}: must be {right}: {why}"


class _WrongShapeError(Exception):
    pass


def child(tree: Tree, field: str, path: str) -> Tree:
    found: Tree = _shaped(tree.get(field), dict, f"{path}.{field}", "an object")
    return found


def items(tree: Tree, field: str, path: str) -> list[tuple[str, Tree]]:
    """(path, item) pairs of a list of objects."""
    where = f"{path}.{field}"
    found = _shaped(tree.get(field), list, where, "a list")
    return [
        (f"{where}[{index}]", _item(item, f"{where}[{index}]")) for index, item in enumerate(found)
    ]


def _item(item: Any, path: str) -> Tree:
    """An absent object is an empty one, but a list has no absent items."""
    if item is None:
        raise _WrongShapeError(f"{path}: must be an object")
    found: Tree = _shaped(item, dict, path, "an object")
    return found


def _shaped(value: Any, kind: Callable[[], Any], path: str, what: str) -> Any:
    if value is None:
        return kind()
    if not isinstance(value, type(kind())):
        raise _WrongShapeError(f"{path}: must be {what}")
    return value
