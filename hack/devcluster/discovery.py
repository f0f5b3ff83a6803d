"""Discovery: which groups, versions and resources there are, and that the server is well.

path -> document() -> JSON; made anew from the registry for every request. Pure.
"""

from typing import Any, Final

from devcluster.resources import Registry, ResourceType

VERSION: Final = {
    "major": "1",
    "minor": "32",
    "gitVersion": "v1.32.0+devcluster",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}
HEALTH: Final = frozenset({"healthz", "livez", "readyz"})


def document(parts: list[str], registry: Registry) -> dict[str, Any] | None:
    """What stands at this path; None if it is no discovery path or names nothing."""
    match parts:
        case ["version"]:
            return dict(VERSION)
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["api", version]:
            return _resource_list(registry, "", version)
        case ["apis"]:
            groups = [_group(*gv) for gv in registry.group_versions() if gv[0]]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["apis", group]:
            found = [gv for gv in registry.group_versions() if gv[0] == group]
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(*found[0])} if found else None
        case ["apis", group, version]:
            return _resource_list(registry, group, version)
    return None


def _group(group: str, version: str) -> dict[str, Any]:
    entry = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [entry], "preferredVersion": entry}


def _resource_list(registry: Registry, group: str, version: str) -> dict[str, Any] | None:
    types = registry.of_version(group, version)
    if not types:
        return None
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": types[0].api_version,
        "resources": [entry for rt in types for entry in _entries(rt)],
    }


def _entries(rt: ResourceType) -> list[dict[str, Any]]:
    common = {"namespaced": rt.namespaced, "kind": rt.kind}
    names: dict[str, Any] = {"name": rt.plural, "singularName": rt.singular}
    if rt.short_names:
        names["shortNames"] = list(rt.short_names)
    if rt.categories:
        names["categories"] = list(rt.categories)
    entries = [{**names, **common, "verbs": list(rt.verbs)}]
    if rt.has_status:
        verbs = ["get", "patch", "update"]
        entries.append(
            {"name": f"{rt.plural}/status", "singularName": "", **common, "verbs": verbs}
        )
    for name in rt.connects:
        kind, verbs = ("PodExecOptions", ["create", "get"]) if name == "exec" else ("Pod", ["get"])
        entry = {"name": f"{rt.plural}/{name}", "singularName": "", "namespaced": True}
        entries.append({**entry, "kind": kind, "verbs": verbs})
    return entries
