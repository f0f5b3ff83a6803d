"""Who may do what: for every call of ccx_kube that operator or gateway makes, its verb. Pure.

No secrets, no wildcard. Reading what the API server serves, which kopf does at its start, every
account may.
"""

from collections.abc import Sequence
from typing import Final

from ccx_api.names import GROUP, OPERATOR_LEASE, PLURAL, USAGE_RECORD
from manifests.names import GATEWAY, NAMESPACE, OPERATOR, Manifest, labels

Verbs = tuple[str, ...]
Names = tuple[str, ...]
Rules = Sequence[tuple[str, str, Verbs] | tuple[str, str, Verbs, Names]]
"""API group, resource, verbs, and of which names only: which RBAC cannot say of a creation."""

_RBAC: Final = "rbac.authorization.k8s.io"
_EXEC: Final = ("get", "create")
"""Over a WebSocket it is a GET, of which newer API servers ask the right to create, too."""

OPERATOR_RULES: Final[Rules] = (
    (GROUP, PLURAL, ("get", "list", "watch", "patch", "delete")),
    (GROUP, f"{PLURAL}/status", ("patch",)),
    ("", "pods", ("get", "list", "watch", "create", "patch", "delete")),
    ("", "pods/exec", _EXEC),
    ("", "persistentvolumeclaims", ("get", "create")),
    ("", "events", ("create",)),
    ("", "configmaps", ("create",)),
    ("", "configmaps", ("get", "update"), (USAGE_RECORD,)),
)
OPERATOR_LEASES: Final[Rules] = (
    ("coordination.k8s.io", "leases", ("list", "delete", "create")),
    ("coordination.k8s.io", "leases", ("get", "patch"), (OPERATOR_LEASE,)),
)
"""Of gateways that have gone; and its own, whose name a creation does not show."""

GATEWAY_RULES: Final[Rules] = (
    (GROUP, PLURAL, ("get", "list", "watch", "create", "patch")),
    ("", "pods", ("get",)),
    ("", "pods/log", ("get",)),
    ("", "pods/exec", _EXEC),
    ("authentication.k8s.io", "tokenreviews", ("create",)),
    ("authorization.k8s.io", "subjectaccessreviews", ("create",)),
)
GATEWAY_LEASES: Final[Rules] = (("coordination.k8s.io", "leases", ("create", "patch", "delete")),)

VIEW_RULES: Final[Rules] = ((GROUP, PLURAL, ("get", "list", "watch")),)
EDIT_RULES: Final[Rules] = (
    (GROUP, PLURAL, ("create", "update", "patch", "delete", "deletecollection")),
)


def accounts() -> list[Manifest]:
    return [
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels(component)},
        }
        for name, component in ((OPERATOR, "operator"), (GATEWAY, "gateway"))
    ]


def rights() -> list[Manifest]:
    return [
        *_everywhere(OPERATOR, OPERATOR_RULES),
        *_at_home(OPERATOR, OPERATOR_LEASES),
        *_everywhere(GATEWAY, GATEWAY_RULES),
        *_at_home(GATEWAY, GATEWAY_LEASES),
    ]


def roles_for_people() -> list[Manifest]:
    """Whoever may view, or edit, in a namespace by the built-in roles may do so with executions."""
    return [
        _for_people("view", VIEW_RULES, ("view",)),
        _for_people("edit", EDIT_RULES, ("edit", "admin")),
    ]


def _everywhere(account: str, rules: Rules) -> list[Manifest]:
    role = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": account, "labels": labels()},
        "rules": _rules(rules),
    }
    return [role, _binding("ClusterRole", account, {})]


def _at_home(account: str, rules: Rules) -> list[Manifest]:
    role = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "Role",
        "metadata": {"name": account, "namespace": NAMESPACE, "labels": labels()},
        "rules": _rules(rules),
    }
    return [role, _binding("Role", account, {"namespace": NAMESPACE})]


def _binding(kind: str, account: str, where: dict[str, str]) -> Manifest:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": f"{kind}Binding",
        "metadata": {"name": account, **where, "labels": labels()},
        "roleRef": {"apiGroup": _RBAC, "kind": kind, "name": account},
        "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": NAMESPACE}],
    }


def _for_people(name: str, rules: Rules, into: Sequence[str]) -> Manifest:
    aggregated = {f"{_RBAC}/aggregate-to-{role}": "true" for role in into}
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": f"cc-executor-{name}", "labels": {**labels(), **aggregated}},
        "rules": _rules(rules),
    }


def _rules(rules: Rules) -> list[Manifest]:
    return [
        {"apiGroups": [group], "resources": [resource], "verbs": list(verbs)}
        | ({"resourceNames": list(*names)} if names else {})
        for group, resource, verbs, *names in rules
    ]
