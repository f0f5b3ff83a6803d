"""The words that the manifests share with each other, with the docs and with the tests."""

from typing import Any, Final

Manifest = dict[str, Any]

NAMESPACE: Final = "cc-executor"
OPERATOR: Final = "ccx-operator"
GATEWAY: Final = "ccx-gateway"
"""Also what their service accounts are called."""

METRICS_PORT: Final = 9090
"""The operator's."""

GATEWAY_PORT: Final = 8003
PROBE_PORT: Final = 8004
"""The gateway's, for kubelet and Prometheus: without sign-in, and in no Service."""


def labels(component: str = "") -> dict[str, str]:
    ours = {"app.kubernetes.io/name": "cc-executor"}
    return {**ours, "app.kubernetes.io/component": component} if component else ours


def user_of(account: str) -> str:
    """As the API server calls a service account of ours."""
    return f"system:serviceaccount:{NAMESPACE}:{account}"
