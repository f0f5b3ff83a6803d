"""The built-in resources, as far as operator, gateway, kubectl and kopf use them."""

from typing import Final

from devcluster.kept_kinds import KEPT
from devcluster.resources import ResourceType
from devcluster.reviews import REVIEWS

PODS: Final = ResourceType(
    "",
    "v1",
    "pods",
    "Pod",
    "pod",
    has_status=True,
    short_names=("po",),
    categories=("all",),
    connects=("log", "exec"),
)
NAMESPACES: Final = ResourceType(
    "",
    "v1",
    "namespaces",
    "Namespace",
    "namespace",
    False,
    True,
    ("ns",),
    verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
)
"""Not all at once: that would be the cluster."""

CRD_TYPE: Final = ResourceType(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    "customresourcedefinition",
    False,
    True,
    ("crd", "crds"),
)
BUILTIN: Final = (
    PODS,
    NAMESPACES,
    CRD_TYPE,
    ResourceType("", "v1", "events", "Event", "event", short_names=("ev",)),
    ResourceType("", "v1", "secrets", "Secret", "secret"),
    ResourceType("", "v1", "configmaps", "ConfigMap", "configmap", short_names=("cm",)),
    ResourceType(
        "", "v1", "serviceaccounts", "ServiceAccount", "serviceaccount", short_names=("sa",)
    ),
    ResourceType("", "v1", "nodes", "Node", "node", False, True, ("no",)),
    ResourceType(
        "",
        "v1",
        "persistentvolumeclaims",
        "PersistentVolumeClaim",
        "persistentvolumeclaim",
        has_status=True,
        short_names=("pvc",),
    ),
    ResourceType(
        "",
        "v1",
        "resourcequotas",
        "ResourceQuota",
        "resourcequota",
        has_status=True,
        short_names=("quota",),
    ),
    ResourceType("coordination.k8s.io", "v1", "leases", "Lease", "lease"),
    *KEPT,
    *REVIEWS,
)
