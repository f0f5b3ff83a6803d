"""Pod Security admission at level restricted, with the API server's words.

pod spec -> violations() -> one line for the 403. Pure.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from devcluster.history import Object
from devcluster.pods import all_containers

ENFORCE: Final = "pod-security.kubernetes.io/enforce"
VOLUMES: Final = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)


def violations(spec: Object) -> str:
    """What restricted forbids in this pod, comma-separated; empty if nothing."""
    return ", ".join(_violations(spec))


def _violations(spec: Object) -> Iterator[str]:
    yield from _of_the_host(spec)

    def those(test: Callable[[Object], bool]) -> list[str]:
        return [
            c.get("name", "") for c in all_containers(spec) if test(c.get("securityContext") or {})
        ]

    if names := those(lambda context: context.get("allowPrivilegeEscalation") is not False):
        words = "must set securityContext.allowPrivilegeEscalation=false"
        yield f"allowPrivilegeEscalation != false ({_containers(names)} {words})"
    if names := those(lambda context: "ALL" not in _capabilities(context, "drop")):
        words = 'must set securityContext.capabilities.drop=["ALL"]'
        yield f"unrestricted capabilities ({_containers(names)} {words})"
    pod = spec.get("securityContext") or {}
    if names := those(lambda context: _effective(context, pod, "runAsNonRoot") is not True):
        words = "must set securityContext.runAsNonRoot=true"
        yield f"runAsNonRoot != true (pod or {_containers(names)} {words})"
    if pod.get("runAsUser") == 0:
        yield "runAsUser=0 (pod must not set runAsUser=0)"
    if names := those(lambda context: context.get("runAsUser") == 0):
        yield f"runAsUser=0 ({_containers(names)} must not set runAsUser=0)"
    if names := those(lambda context: not _has_seccomp(context, pod)):
        words = 'must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"'
        yield f"seccompProfile (pod or {_containers(names)} {words})"


def _of_the_host(spec: Object) -> Iterator[str]:
    shared = [key for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    if shared:
        yield f"host namespaces ({', '.join(f'{key}=true' for key in shared)})"
    for container in all_containers(spec):
        name = container.get("name", "")
        context = container.get("securityContext") or {}
        if context.get("privileged"):
            yield f'privileged (container "{name}" must not set securityContext.privileged=true)'
        if added := set(_capabilities(context, "add")) - {"NET_BIND_SERVICE"}:
            listed = ", ".join(f'"{capability}"' for capability in sorted(added))
            words = f"must not include {listed} in securityContext.capabilities.add"
            yield f'unrestricted capabilities (container "{name}" {words})'
        if ports := [
            port["hostPort"] for port in container.get("ports") or [] if port.get("hostPort")
        ]:
            yield f'hostPort (container "{name}" uses hostPort {ports[0]})'
    for volume in spec.get("volumes") or []:
        kinds = [key for key in volume if key != "name" and key not in VOLUMES]
        if kinds:
            words = f'volume "{volume.get("name")}" uses restricted volume type "{kinds[0]}"'
            yield f"restricted volume types ({words})"


def _capabilities(context: Object, which: str) -> list[str]:
    return (context.get("capabilities") or {}).get(which) or []


def _effective(context: Object, pod: Object, key: str) -> Any:
    return context[key] if key in context else pod.get(key)


def _has_seccomp(context: Object, pod: Object) -> bool:
    profile = _effective(context, pod, "seccompProfile") or {}
    return profile.get("type") in ("RuntimeDefault", "Localhost")


def _containers(names: list[str]) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return f"container {listed}" if len(names) == 1 else f"containers {listed}"
