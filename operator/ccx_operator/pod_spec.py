"""The pod of an execution: spec.podTemplate first, what the operator needs on top. Pure.

execution + images -> pod_body() -> POST pods

init container `runner`: copies the runner to /ccx, whatever the agent's image is
container `agent`:       the runner is PID 1, claude or the command is its child
"""

from dataclasses import dataclass
from typing import Any, Final

from ccx_api.names import (
    AGENT_CONTAINER,
    CCX_DIR,
    RUNNER_CONTAINER,
)
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.agent_container import CLAIM_VOLUME, agent_container, our_mounts, run_mib
from ccx_operator.archive import ARCHIVE_VOLUME, archive_claim
from ccx_operator.first_wish import first_wish
from ccx_operator.owner import labels_of, owner_of
from ccx_operator.pod_name import pod_name
from ccx_operator.pod_template import AGENT_UID
from ccx_operator.workspace import claim_name

Body = dict[str, Any]

DRAIN_SECONDS: Final = 20
"""Beyond the grace: for KILL, the runner's drain of attached readers and its last words."""

SNAPSHOT_BYTES: Final = 2048
TERMINATION_BYTES: Final = 12_288
"""Of termination messages, which the kubelet shares among all containers of a pod."""

_CONTAINER_SECURITY: Final = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
}
_POD_SECURITY: Final = {
    "runAsNonRoot": True,
    "runAsUser": AGENT_UID,
    "runAsGroup": AGENT_UID,
    "fsGroup": AGENT_UID,
    "seccompProfile": {"type": "RuntimeDefault"},
}


@dataclass(frozen=True, slots=True)
class Images:
    runtime: str
    """The agent's, where the execution names none."""

    runner: str


NO_BACKUP: Final = {"velero.io/exclude-from-backup": "true"}
"""Velero restores a pod without its owner: it would run again, and be nobody's."""


def pod_body(execution: ClaudeExecution, images: Images) -> Body:
    """For an execution whose podTemplate is not refused: see pod_template.py."""
    template = execution.spec.pod_template or {}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(execution, template.get("metadata") or {}),
        "spec": _spec(execution, template.get("spec") or {}, images),
    }


def _metadata(execution: ClaudeExecution, template: Body) -> Body:
    metadata = execution.metadata
    annotations = {
        **first_wish(execution),
        # A run is not repeatable: no scale-down for tidiness.
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        "karpenter.sh/do-not-disrupt": "true",
        "kubectl.kubernetes.io/default-container": AGENT_CONTAINER,
    }
    return {
        "name": pod_name(execution),
        "namespace": metadata.namespace,
        "labels": {**(template.get("labels") or {}), **labels_of(execution), **NO_BACKUP},
        "annotations": {**(template.get("annotations") or {}), **annotations},
        "ownerReferences": [owner_of(execution)],
    }


def _spec(execution: ClaudeExecution, template: Body, images: Images) -> Body:
    theirs: list[Body] = template.get("containers") or []
    base = next((c for c in theirs if c.get("name") == AGENT_CONTAINER), {})
    sidecars = [c for c in theirs if c is not base]
    inits: list[Body] = template.get("initContainers") or []
    snapshot_bytes = min(SNAPSHOT_BYTES, TERMINATION_BYTES // (2 + len(sidecars) + len(inits)))
    agent = agent_container(execution, base, images.runtime, snapshot_bytes)
    agent["securityContext"] = {**(base.get("securityContext") or {}), **_CONTAINER_SECURITY}
    return {
        **template,
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _grace(execution),
        "securityContext": pod_security(execution, template.get("securityContext") or {}),
        "initContainers": [runner_container(images), *inits],
        "containers": [agent, *sidecars],
        "volumes": [*_volumes(execution, base), *(template.get("volumes") or [])],
    }


def _grace(execution: ClaudeExecution) -> int:
    return execution.spec.termination_grace_period_seconds + DRAIN_SECONDS


def container_security() -> Body:
    return dict(_CONTAINER_SECURITY)


def runner_container(images: Images) -> Body:
    return {
        "name": RUNNER_CONTAINER,
        "image": images.runner,
        "command": ["ccx-runner", "install", CCX_DIR],
        "resources": {
            "requests": {"cpu": "5m", "memory": "64Mi", "ephemeral-storage": "16Mi"},
            # None of ephemeral storage: the kubelet adds up those that there are, and evicts the
            # whole pod by that. The agent has none, so ours would be its limit.
            "limits": {"cpu": "500m", "memory": "64Mi"},
        },
        "securityContext": dict(_CONTAINER_SECURITY),
        "volumeMounts": [{"name": "ccx-runner", "mountPath": CCX_DIR}],
    }


def pod_security(execution: ClaudeExecution, template: Body) -> Body:
    claimed: Body = {}
    if claim_name(execution) or archive_claim(
        execution
    ):  # or the kubelet walks all files at every start
        claimed = {"fsGroupChangePolicy": "OnRootMismatch"}
    return {**claimed, **template, **_POD_SECURITY}


def _volumes(execution: ClaudeExecution, agent: Body) -> list[Body]:
    names = dict.fromkeys(mount["name"] for mount in our_mounts(execution, agent))
    return [{"name": name, **_source(execution, name)} for name in names]


def _source(execution: ClaudeExecution, name: str) -> Body:
    if name == CLAIM_VOLUME:
        return {"persistentVolumeClaim": {"claimName": claim_name(execution)}}
    if name == ARCHIVE_VOLUME:
        return {"persistentVolumeClaim": {"claimName": archive_claim(execution)}}
    workspace = execution.spec.workspace
    limits = {"ccx-runner": "16Mi", "ccx-run": f"{run_mib(execution.spec)}Mi"}
    limit: str | int | None = limits.get(name)
    if name == "ccx-workspace" and workspace is not None:
        limit = workspace.size_limit
    return {"emptyDir": {} if limit is None else {"sizeLimit": limit}}
