"""Built-in kinds that devcluster keeps and does not act on: what an installation consists of.

No controller makes pods of a Deployment here, and no rule is enforced.
"""

from typing import Final

from devcluster.resources import ResourceType

_RBAC: Final = "rbac.authorization.k8s.io"
_ADMISSION: Final = "admissionregistration.k8s.io"


def _kept(
    group: str, kind: str, plural: str, *short_names: str, namespaced: bool = True
) -> ResourceType:
    return ResourceType(
        group, "v1", plural, kind, kind.lower(), namespaced, short_names=short_names
    )


KEPT: Final = (
    _kept("", "Service", "services", "svc"),
    _kept("apps", "Deployment", "deployments", "deploy"),
    _kept("batch", "Job", "jobs"),
    _kept("policy", "PodDisruptionBudget", "poddisruptionbudgets", "pdb"),
    _kept("networking.k8s.io", "NetworkPolicy", "networkpolicies", "netpol"),
    _kept("networking.k8s.io", "Ingress", "ingresses", "ing"),
    _kept(_RBAC, "Role", "roles"),
    _kept(_RBAC, "RoleBinding", "rolebindings"),
    _kept(_RBAC, "ClusterRole", "clusterroles", namespaced=False),
    _kept(_RBAC, "ClusterRoleBinding", "clusterrolebindings", namespaced=False),
    _kept(_ADMISSION, "ValidatingAdmissionPolicy", "validatingadmissionpolicies", namespaced=False),
    _kept(
        _ADMISSION,
        "ValidatingAdmissionPolicyBinding",
        "validatingadmissionpolicybindings",
        namespaced=False,
    ),
)
