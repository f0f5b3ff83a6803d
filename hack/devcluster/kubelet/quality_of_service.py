"""A pod's quality of service class. Pure."""

from devcluster.history import Object

COMPUTE = ("cpu", "memory")


def qos_class(spec: Object) -> str:
    """Guaranteed, Burstable or BestEffort, by the requests and limits of cpu and memory."""
    containers = [*(spec.get("initContainers") or ()), *(spec["containers"])]
    resources = [container.get("resources") or {} for container in containers]
    pairs = [((r.get("requests") or {}), (r.get("limits") or {})) for r in resources]
    if not any(name in part for pair in pairs for part in pair for name in COMPUTE):
        return "BestEffort"
    for requests, limits in pairs:
        for name in COMPUTE:
            if name not in limits or requests.get(name, limits[name]) != limits[name]:
                return "Burstable"
    return "Guaranteed"
