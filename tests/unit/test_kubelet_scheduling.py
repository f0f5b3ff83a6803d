from typing import Any

import pytest

from devcluster.kubelet.scheduling import PREEMPTION, why_unschedulable
from support.pods import a_pod

NODE = {"metadata": {"name": "n1", "labels": {"disk": "ssd", "cores": "8"}}}
MISMATCH = "1 node(s) didn't match Pod's node affinity/selector"


def refused(why: str) -> str:
    return f"0/1 nodes are available: {why}. {PREEMPTION}"


def verdict(**spec: Any) -> str | None:
    return why_unschedulable(a_pod(**spec), NODE, lambda claim: claim == "there")


def affinity(*terms: dict[str, Any]) -> dict[str, Any]:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    return {"nodeAffinity": required}


def term(operator: str, key: str, *values: str, part: str = "matchExpressions") -> dict[str, Any]:
    return {part: [{"key": key, "operator": operator, "values": list(values)}]}


FITS = [
    term("In", "disk", "ssd", "hdd"),
    term("NotIn", "disk", "hdd"),
    term("NotIn", "none", "x"),
    term("Exists", "disk"),
    term("DoesNotExist", "none"),
    term("Gt", "cores", "7"),
    term("Lt", "cores", "9"),
    term("In", "metadata.name", "n1", part="matchFields"),
]
FAILS = [
    term("In", "disk", "hdd"),
    term("NotIn", "disk", "ssd"),
    term("Exists", "none"),
    term("DoesNotExist", "disk"),
    term("Gt", "cores", "8"),
    term("Lt", "disk", "8"),
    term("In", "metadata.name", "n2", part="matchFields"),
    {},
]


@pytest.mark.parametrize("one", FITS)
def test_a_term_that_is_true_of_the_node_fits(one: dict[str, Any]) -> None:
    assert verdict(affinity=affinity(one)) is None
    assert verdict(affinity=affinity(FAILS[0], one)) is None


@pytest.mark.parametrize("one", FAILS)
def test_a_term_that_is_not_true_of_the_node_does_not_fit(one: dict[str, Any]) -> None:
    assert verdict(affinity=affinity(one)) == refused(MISMATCH)


def test_every_label_of_the_selector_must_be_there() -> None:
    assert verdict(nodeSelector={"disk": "ssd"}) is None
    assert verdict(nodeSelector={"disk": "ssd", "gpu": "yes"}) == refused(MISMATCH)


@pytest.mark.parametrize(
    ("claim", "why"),
    [("there", None), ("gone", refused('persistentvolumeclaim "gone" not found'))],
)
def test_a_claim_must_exist(claim: str, why: str | None) -> None:
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": claim}}
    assert verdict(volumes=[volume]) == why
