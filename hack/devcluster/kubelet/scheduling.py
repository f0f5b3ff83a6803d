"""Whether a pod fits the one node there is. Pure.

nodeSelector, required nodeAffinity, PersistentVolumeClaims -> None, or why not in the words of the
real scheduler
"""

from collections.abc import Callable, Mapping
from typing import Any

from devcluster.history import Object

PREEMPTION = "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."


def why_unschedulable(pod: Object, node: Object, has_claim: Callable[[str], bool]) -> str | None:
    if why := _missing_claim(pod, has_claim) or _mismatch(pod, node):
        return f"0/1 nodes are available: {why}. {PREEMPTION}"
    return None


def _missing_claim(pod: Object, has_claim: Callable[[str], bool]) -> str | None:
    for volume in pod["spec"].get("volumes") or ():
        claim = (volume.get("persistentVolumeClaim") or {}).get("claimName")
        if claim and not has_claim(claim):
            return f'persistentvolumeclaim "{claim}" not found'
    return None


def _mismatch(pod: Object, node: Object) -> str | None:
    labels = node["metadata"].get("labels") or {}
    selector = pod["spec"].get("nodeSelector") or {}
    affinity = (pod["spec"].get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    fits = all(labels.get(key) == value for key, value in selector.items())
    if required is not None:
        fits &= any(_term(term, labels, node) for term in required.get("nodeSelectorTerms") or ())
    return None if fits else "1 node(s) didn't match Pod's node affinity/selector"


def _term(term: dict[str, Any], labels: Mapping[str, str], node: Object) -> bool:
    """Terms are alternatives; what is in one must all be true, and an empty one matches nothing."""
    expressions = term.get("matchExpressions") or []
    fields = term.get("matchFields") or []
    by_field = {"metadata.name": node["metadata"]["name"]}
    return bool(expressions or fields) and (
        all(_requirement(expression, labels) for expression in expressions)
        and all(_requirement(expression, by_field) for expression in fields)
    )


def _requirement(requirement: dict[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(requirement["key"])
    wanted = requirement.get("values") or []
    match requirement["operator"]:
        case "In":
            return value in wanted
        case "NotIn":
            return value not in wanted
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt" as operator:
            return _compare(value, wanted, greater=operator == "Gt")
    return False


def _compare(value: str | None, wanted: list[str], *, greater: bool) -> bool:
    try:
        have, bound = int(value or ""), int(wanted[0])
    except (ValueError, IndexError):
        return False
    return have > bound if greater else have < bound
