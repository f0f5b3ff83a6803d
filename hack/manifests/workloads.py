"""Operator and gateway as Deployments in a namespace of Pod Security `restricted`. Pure."""

from collections.abc import Sequence
from typing import Any, Final

from manifests.names import (
    GATEWAY,
    GATEWAY_PORT,
    METRICS_PORT,
    NAMESPACE,
    OPERATOR,
    PROBE_PORT,
    Manifest,
    labels,
)

_UID: Final = 10001
_CONTAINER_SECURITY: Final = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
}
_POD_SECURITY: Final = {
    "runAsNonRoot": True,
    "runAsUser": _UID,
    "runAsGroup": _UID,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_NEVER_NONE: Final = {
    "type": "RollingUpdate",
    "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0},
}
"""The old gateway says goodbye to its sockets when the new one is there to take them over; the
old operator gives its Lease back when another stands by."""
_APART: Final = {
    "maxSkew": 1,
    "topologyKey": "kubernetes.io/hostname",
    "whenUnsatisfiable": "ScheduleAnyway",
    "labelSelector": {"matchLabels": labels("operator")},
}
"""A standby on the leader's node would not outlive it. There may be one node only."""


def namespace() -> Manifest:
    levels = {
        f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")
    }
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {**labels(), **levels}},
    }


def operator(version: str) -> Manifest:
    container = _container(
        OPERATOR,
        version,
        [
            "--leader-elect",
            f"--metrics-address=0.0.0.0:{METRICS_PORT}",
            f"--probe-address=0.0.0.0:{PROBE_PORT}",
        ],
        ports={"metrics": METRICS_PORT, "probes": PROBE_PORT},
        memory=("128Mi", "512Mi"),
    )
    container["readinessProbe"] = _probe("/metrics", "metrics")
    container["livenessProbe"] = {**_probe("/healthz", "probes"), "failureThreshold": 6}
    deployment = _deployment(OPERATOR, "operator", container, replicas=2)
    deployment["spec"]["template"]["spec"]["topologySpreadConstraints"] = [_APART]
    return deployment


def gateway(version: str) -> Manifest:
    container = _container(
        GATEWAY,
        version,
        [f"--address=0.0.0.0:{GATEWAY_PORT}", f"--probe-address=0.0.0.0:{PROBE_PORT}"],
        ports={"rpc": GATEWAY_PORT, "probes": PROBE_PORT},
        memory=("128Mi", "512Mi"),
    )
    container["readinessProbe"] = {**_probe("/readyz", "probes"), "periodSeconds": 5}
    container["livenessProbe"] = {**_probe("/livez", "probes"), "failureThreshold": 6}
    return _deployment(GATEWAY, "gateway", container, replicas=1)


def gateway_service() -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": GATEWAY, "namespace": NAMESPACE, "labels": labels("gateway")},
        "spec": {
            "selector": labels("gateway"),
            "ports": [{"name": "rpc", "port": GATEWAY_PORT, "targetPort": "rpc"}],
        },
    }


def _deployment(name: str, component: str, container: Manifest, *, replicas: int) -> Manifest:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels(component)},
        "spec": {
            "replicas": replicas,
            "strategy": _NEVER_NONE,
            "selector": {"matchLabels": labels(component)},
            "template": {
                "metadata": {
                    "labels": labels(component),
                    "annotations": {"kubectl.kubernetes.io/default-container": name},
                },
                "spec": {
                    "serviceAccountName": name,
                    "enableServiceLinks": False,
                    "securityContext": dict(_POD_SECURITY),
                    "containers": [container],
                    "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
                },
            },
        },
    }


def _container(
    program: str,
    version: str,
    args: Sequence[str],
    *,
    ports: dict[str, int],
    memory: tuple[str, str],
) -> dict[str, Any]:
    request, limit = memory
    return {
        "name": program,
        "image": f"cc-executor/control:{version}",
        "imagePullPolicy": "IfNotPresent",
        "command": [program],
        "args": list(args),
        "ports": [{"name": name, "containerPort": port} for name, port in ports.items()],
        # Without a limit on the processor, which would be felt as a slow PAUSE.
        "resources": {
            "requests": {"cpu": "100m", "memory": request, "ephemeral-storage": "64Mi"},
            "limits": {"memory": limit, "ephemeral-storage": "256Mi"},
        },
        "securityContext": dict(_CONTAINER_SECURITY),
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }


def _probe(path: str, port: str) -> Manifest:
    return {"httpGet": {"path": path, "port": port}, "periodSeconds": 10, "timeoutSeconds": 5}
