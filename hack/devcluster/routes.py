"""From a path of the API to the resource that it names. Pure."""

from dataclasses import dataclass

from devcluster.apierrors import ApiError, page_not_found
from devcluster.resources import Registry, ResourceType


@dataclass(frozen=True, slots=True)
class Target:
    rt: ResourceType
    namespace: str | None
    """None: of all namespaces; empty for a cluster-wide resource."""

    name: str = ""
    subresource: str = ""


class NoSuchGroup(Exception):  # noqa: N818 - a fact, told as text and not as a Status
    """No group and version of that name is served."""


def parse(parts: list[str], registry: Registry) -> Target:
    """404 for a path that leads to no resource, as discovery would tell."""
    match parts:
        case ["api", version, *rest]:
            group = ""
        case ["apis", group, version, *rest]:
            pass
        case _:
            raise page_not_found()
    namespace: str | None = None
    if rest[:1] == ["namespaces"] and len(rest) > 2 and (group or rest[2] != "status"):
        namespace, rest = rest[1], rest[2:]
    if not rest:
        raise page_not_found()
    plural, *more = rest
    rt = registry.find(group, version, plural)
    if rt is None and not registry.of_version(group, version):
        raise NoSuchGroup
    if rt is None or len(more) > 2 or (namespace is not None and not rt.namespaced):
        raise page_not_found()
    name, subresource = [*more, "", ""][:2]
    if subresource and subresource not in (*rt.connects, *(["status"] if rt.has_status else [])):
        raise ApiError(404, "NotFound", page_not_found().message)
    if rt.namespaced and namespace is None and name:
        raise page_not_found()
    return Target(rt, namespace if rt.namespaced else "", name, subresource)
