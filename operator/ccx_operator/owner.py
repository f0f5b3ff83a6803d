"""How what the operator makes for an execution is marked as its own. Pure."""

from collections.abc import Mapping
from typing import Any

from ccx_api.names import API_VERSION, KIND, LABEL_EXECUTION_NAME, LABEL_EXECUTION_UID
from ccx_api.v1alpha1 import ClaudeExecution

Body = dict[str, Any]


def labels_of(execution: ClaudeExecution) -> dict[str, str]:
    return {
        "app.kubernetes.io/name": "cc-executor",
        "app.kubernetes.io/component": "execution",
        "app.kubernetes.io/managed-by": "ccx-operator",
        LABEL_EXECUTION_NAME: execution.metadata.name[:63].rstrip("-."),
        LABEL_EXECUTION_UID: execution.metadata.uid,
    }


def owner_of(execution: ClaudeExecution) -> Body:
    """What is owned goes with the execution."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": execution.metadata.name,
        "uid": execution.metadata.uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def controller_of(metadata: Mapping[str, Any]) -> str:
    """The uid; empty if there is none."""
    owners = metadata.get("ownerReferences") or ()
    return next((str(owner.get("uid")) for owner in owners if owner.get("controller")), "")
