"""The claim that holds workspace and home, and whether a conversation outlives its pod. Pure."""

from posixpath import normpath
from typing import Any, Final

from ccx_api.names import AGENT_CONTAINER, HOME_DIR
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.owner import labels_of, owner_of
from ccx_operator.pod_name import base_name

Body = dict[str, Any]

_HOME_VARIABLES: Final = frozenset({"HOME", "CLAUDE_CONFIG_DIR"})
"""By which Claude finds its transcripts."""


def is_claimed(execution: ClaudeExecution) -> bool:
    workspace = execution.spec.workspace
    return workspace is not None and workspace.is_claimed


def claim_name(execution: ClaudeExecution) -> str | None:
    """None: the workspace goes with its pod."""
    workspace = execution.spec.workspace
    if workspace is None or not workspace.is_claimed:
        return None
    return workspace.volume_claim_name or base_name(execution)


def claim_body(execution: ClaudeExecution) -> Body | None:
    """Of the claim that is to be made; None if there is none to make."""
    workspace = execution.spec.workspace
    template = workspace.volume_claim_template if workspace is not None else None
    if template is None:
        return None
    spec: Body = {
        "accessModes": list(template.access_modes or ("ReadWriteOnce",)),
        "resources": {"requests": {"storage": template.storage}},
    }
    if template.storage_class_name is not None:
        spec["storageClassName"] = template.storage_class_name
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": claim_name(execution),
            "namespace": execution.metadata.namespace,
            "labels": labels_of(execution),
            "ownerReferences": [owner_of(execution)],
        },
        "spec": spec,
    }


def keeps_conversation(execution: ClaudeExecution) -> bool:
    """Claude's transcript is on the claim: nobody has put its home elsewhere."""
    if not is_claimed(execution) or execution.spec.command is not None:
        return False
    template = (execution.spec.pod_template or {}).get("spec") or {}
    containers: list[Body] = template.get("containers") or []
    agent = next((c for c in containers if c.get("name") == AGENT_CONTAINER), {})
    mounts = {normpath(m.get("mountPath", "")) for m in agent.get("volumeMounts") or ()}
    variables = {variable.get("name") for variable in agent.get("env") or ()}
    variables |= {variable.name for variable in execution.spec.env or ()}
    return HOME_DIR not in mounts and not variables & _HOME_VARIABLES
