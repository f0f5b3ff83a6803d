"""The usage record of the namespace under test, as a program reads it."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from support.kubectl import Kubectl
from support.waiting import eventually

ENDS = ("succeeded", "failed", "cancelled")


def usage(kubectl: Kubectl) -> dict[str, Any]:
    found = kubectl("get", "configmap", "cc-executor-usage", "--ignore-not-found", "-o", "json")
    return totals(json.loads(found)["data"] if found else {})


def ends_of(kubectl: Kubectl) -> int:
    return ends(usage(kubectl))


def totals(data: Mapping[str, str]) -> dict[str, Any]:
    """By model, over all days: a test may run at midnight."""
    total: dict[str, Any] = {}
    for text in data.values():
        for model, lines in yaml.safe_load(text).items():
            sums = total.setdefault(model, {})
            for name, value in lines.items():
                sums[name] = sums.get(name, 0) + float(value)
    return total


def ends(total: Mapping[str, Any]) -> int:
    return int(sum(lines.get(end, 0) for lines in total.values() for end in ENDS))


def let_go(kubectl: Kubectl, *names: str) -> None:
    """Their finalizers have gone, so that they are recorded."""
    for name in names:
        eventually(
            lambda name=name: not kubectl.execution(name)["metadata"].get("finalizers"),  # type: ignore[misc]
            what=f"{name} is let go",
        )
