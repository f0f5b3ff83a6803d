"""A pod as the API server takes it: defaults and the mistakes that it refuses.

decoded pod -> set_defaults() -> check() -> pod_security.py, quota.py. Pure.
"""

from typing import Final

from devcluster import field_errors as errors
from devcluster import pod_containers
from devcluster.apierrors import FieldError
from devcluster.history import Object
from devcluster.store import copy_of

_PROBES: Final = ("readinessProbe", "livenessProbe", "startupProbe")
_IMMUTABLE_WORDS: Final = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it was previously negative)"
)


def set_defaults(pod: Object) -> None:
    """What kubelet and clients read, in place."""
    spec = pod.setdefault("spec", {})
    for key, value in (
        ("restartPolicy", "Always"),
        ("terminationGracePeriodSeconds", 30),
        ("dnsPolicy", "ClusterFirst"),
        ("schedulerName", "default-scheduler"),
        ("securityContext", {}),
        ("serviceAccountName", "default"),
        ("enableServiceLinks", True),
    ):
        spec.setdefault(key, value)
    for container in all_containers(spec):
        _default_container(container)
    for volume in spec.get("volumes") or []:
        for source in ("configMap", "secret", "projected", "downwardAPI"):
            if isinstance(volume.get(source), dict):
                volume[source].setdefault("defaultMode", 420)


def _default_container(container: Object) -> None:
    image = container.get("image", "")
    is_latest = image.endswith(":latest") or ":" not in image.rpartition("/")[2]
    container.setdefault("imagePullPolicy", "Always" if is_latest else "IfNotPresent")
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    resources = container.setdefault("resources", {})
    if resources.get("limits"):
        resources["requests"] = {**resources["limits"], **resources.get("requests", {})}
    for port in container.get("ports") or []:
        port.setdefault("protocol", "TCP")
    for probe in filter(None, map(container.get, _PROBES)):
        for key, value in (
            ("timeoutSeconds", 1),
            ("periodSeconds", 10),
            ("successThreshold", 1),
            ("failureThreshold", 3),
        ):
            probe.setdefault(key, value)
        if "httpGet" in probe:
            probe["httpGet"].setdefault("scheme", "HTTP")
            probe["httpGet"].setdefault("path", "/")
    for env in container.get("env") or []:
        if field := (env.get("valueFrom") or {}).get("fieldRef"):
            field.setdefault("apiVersion", "v1")


def all_containers(spec: Object) -> list[Object]:
    found = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    return [container for container in found if isinstance(container, dict)]


def check(pod: Object) -> list[FieldError]:
    spec = pod["spec"]
    if not spec.get("containers"):
        return [errors.required("spec.containers")]
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    found = _check_volumes(spec.get("volumes") or [])
    seen: set[str] = set()
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(kind) or []):
            path = f"spec.{kind}[{index}]"
            found += pod_containers.check(container, path, volumes)
            if container.get("name") in seen:
                found.append(errors.duplicate(f"{path}.name", container["name"]))
            seen.add(container.get("name", ""))
    if spec["restartPolicy"] not in ("Always", "OnFailure", "Never"):
        known = ["Always", "OnFailure", "Never"]
        found.append(errors.not_supported("spec.restartPolicy", spec["restartPolicy"], known))
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= 2**31 - 1:
        words = "must be between 1 and 2147483647, inclusive"
        found.append(errors.invalid("spec.activeDeadlineSeconds", deadline, words))
    return found


def _check_volumes(volumes: list[Object]) -> list[FieldError]:
    found, seen = [], set()
    for index, volume in enumerate(volumes):
        path, name = f"spec.volumes[{index}]", volume.get("name", "")
        found += pod_containers.check_name(volume, path)
        if name and name in seen:
            found.append(errors.duplicate(f"{path}.name", name))
        seen.add(name)
    return found


def check_update(pod: Object, old: Object) -> list[FieldError]:
    """A pod's spec is as good as immutable."""
    if _fixed(pod["spec"]) != _fixed(old["spec"]):
        return [errors.forbidden("spec", _IMMUTABLE_WORDS)]
    return []


def _fixed(spec: Object) -> Object:
    spec = copy_of(spec)
    for container in all_containers(spec):
        container.pop("image", None)
    for key in ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"):
        spec.pop(key, None)
    return spec
