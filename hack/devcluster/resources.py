"""Which resources there are: the built-in ones, and one for each CustomResourceDefinition.

builtin.py, CustomResourceDefinition objects in the store -> Registry -> routes, discovery, OpenAPI
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from devcluster.history import Change

CRDS: Final = "customresourcedefinitions.apiextensions.k8s.io"
Schema = dict[str, Any]


@dataclass(frozen=True, eq=False)
class ResourceType:
    """One kind of object at one place of the API."""

    group: str
    version: str
    plural: str
    kind: str
    singular: str = ""
    namespaced: bool = True
    has_status: bool = False
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = (
        "create",
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "update",
        "watch",
    )
    connects: tuple[str, ...] = ()
    """Subresources beside status: pods/log and pods/exec."""

    schema: Schema | None = None
    """The structural schema of a custom resource; built-in ones are not validated by schema."""

    printer_columns: tuple[dict[str, Any], ...] = field(default=())

    @property
    def key(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def is_custom(self) -> bool:
        return self.schema is not None


class Registry:
    """The resource types by place; follows the CustomResourceDefinitions in the store."""

    def __init__(self, builtin: Iterable[ResourceType]) -> None:
        self._types = {(rt.group, rt.version, rt.plural): rt for rt in builtin}

    def find(self, group: str, version: str, plural: str) -> ResourceType | None:
        return self._types.get((group, version, plural))

    def by_key(self, key: str) -> ResourceType | None:
        return next((rt for rt in self._types.values() if rt.key == key), None)

    def of_version(self, group: str, version: str) -> list[ResourceType]:
        types = self._types.values()
        return [rt for rt in types if (rt.group, rt.version) == (group, version)]

    def group_versions(self) -> list[tuple[str, str]]:
        """(group, version) of every group, the core group first."""
        return sorted({(rt.group, rt.version) for rt in self._types.values()})

    def on_change(self, change: Change) -> None:
        """A listener of the store."""
        if change.resource == CRDS:
            self.remove(change.object)
            if change.type != "DELETED":
                self.add(change.object)

    def add(self, crd: dict[str, Any]) -> None:
        rt = custom_type(crd)
        self._types[rt.group, rt.version, rt.plural] = rt

    def remove(self, crd: dict[str, Any]) -> None:
        group, plural = crd["spec"]["group"], crd["spec"]["names"]["plural"]
        gone = [key for key in self._types if key[0] == group and key[2] == plural]
        for key in gone:
            del self._types[key]


def stored_version(crd: dict[str, Any]) -> dict[str, Any]:
    """The one version that is stored, which is the only one served here."""
    version: dict[str, Any] = next(v for v in crd["spec"]["versions"] if v.get("storage"))
    return version


def custom_type(crd: dict[str, Any]) -> ResourceType:
    names, version = crd["spec"]["names"], stored_version(crd)
    return ResourceType(
        group=crd["spec"]["group"],
        version=version["name"],
        plural=names["plural"],
        kind=names["kind"],
        singular=names.get("singular", names["kind"].lower()),
        namespaced=crd["spec"]["scope"] == "Namespaced",
        has_status="status" in version.get("subresources", {}),
        short_names=tuple(names.get("shortNames", ())),
        categories=tuple(names.get("categories", ())),
        schema=version["schema"]["openAPIV3Schema"],
        printer_columns=tuple(version.get("additionalPrinterColumns", ())),
    )
