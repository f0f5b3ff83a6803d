"""The usage record of the namespace under test, as a program reads it."""

import json
from typing import Any

import yaml

from support.kubectl import Kubectl
from support.waiting import eventually

ENDS = ("succeeded", "failed", "cancelled")


def usage(kubectl: Kubectl) -> dict[str, Any]:
    """By model, over all days: a test may run at midnight."""
    found = kubectl("get", "configmap", "cc-executor-usage", "--ignore-not-found", "-o", "json")
    total: dict[str, Any] = {}
    for text in (json.loads(found)["data"] if found else {}).values():
        for model, lines in yaml.safe_load(text).items():
            sums = total.setdefault(model, {})
            for name, value in lines.items():
                sums[name] = sums.get(name, 0) + float(value)
    return total


def ends_of(kubectl: Kubectl) -> int:
    return int(sum(lines.get(end, 0) for lines in usage(kubectl).values() for end in ENDS))


def let_go(kubectl: Kubectl, *names: str) -> None:
    """Their finalizers have gone, so that they are recorded."""
    for name in names:
        eventually(
            lambda name=name: not kubectl.execution(name)["metadata"].get("finalizers"),  # type: ignore[misc]
            what=f"{name} is let go",
        )
