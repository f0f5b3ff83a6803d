"""The CustomResourceDefinitions of the suite, in API groups of its own."""

from typing import Any

from ccx_api.crd import crd
from ccx_api.names import GROUP, PLURAL
from support.devcluster_objects import a_crd


def widgets(group: str) -> dict[str, Any]:
    """Has a bit of everything that a schema can say."""
    made = a_crd(group=group)
    made["metadata"] = {"name": f"widgets.{group}"}
    return made


def executions(group: str) -> dict[str, Any]:
    """Our own definition, elsewhere: the cluster may have one that is in use."""
    made = crd()
    assert made["spec"]["group"] == GROUP
    made["metadata"] = {"name": f"{PLURAL}.{group}"}
    names = {**made["spec"]["names"], "shortNames": ["ccf"]}
    del names["categories"]  # `kubectl get agents` is for those in use
    made["spec"] = {**made["spec"], "group": group, "names": names}
    return made
