"""The pod that reads the archive of an execution that has ended: short-lived, and nobody's agent.

execution + images -> reader_body() -> POST pods
"""

from typing import Any, Final

from ccx_api.names import (
    AGENT_CONTAINER,
    ARCHIVE_DIR,
    CCX_DIR,
    LABEL_EXECUTION_UID,
    LABEL_READER,
    RUN_DIR,
    RUNNER_PYZ,
    TERMINATION_LOG,
    reader_of,
)
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.archive import ARCHIVE_VOLUME, archive_claim, archive_folder
from ccx_operator.owner import labels_of, owner_of
from ccx_operator.pod_spec import (
    NO_BACKUP,
    Images,
    container_security,
    pod_security,
    runner_container,
)

Body = dict[str, Any]

IDLE_SECONDS: Final = 60
"""Without a link: then it ends by itself."""

LIFE_SECONDS: Final = 6 * 3600
"""However it is used."""

_ALSO: Final = ("affinity", "imagePullSecrets", "nodeSelector", "runtimeClassName", "tolerations")
"""Of spec.podTemplate: where a pod may run, and by what right its images are had."""


def reader_body(execution: ClaudeExecution, images: Images) -> Body | None:
    """None: there is no archive, or nothing in it."""
    status, claim = execution.status, archive_claim(execution)
    if claim is None or status.pod_name is None or status.output is None:
        return None
    if not status.output.archived:
        return None
    labels = {**labels_of(execution), "app.kubernetes.io/component": "archive-reader"}
    del labels[LABEL_EXECUTION_UID]  # it is no pod of an attempt
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": reader_of(status.pod_name),
            "namespace": execution.metadata.namespace,
            "labels": {**labels, LABEL_READER: execution.metadata.uid, **NO_BACKUP},
            "ownerReferences": [owner_of(execution)],
        },
        "spec": _spec(execution, images, claim),
    }


def _spec(execution: ClaudeExecution, images: Images, claim: str) -> Body:
    template: Body = (execution.spec.pod_template or {}).get("spec") or {}
    return {
        **{key: template[key] for key in _ALSO if key in template},
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "activeDeadlineSeconds": LIFE_SECONDS,
        "terminationGracePeriodSeconds": 5,
        "securityContext": pod_security(execution, template.get("securityContext") or {}),
        "initContainers": [runner_container(images)],
        "containers": [_container(execution, images)],
        "volumes": [
            {"name": "ccx-runner", "emptyDir": {"sizeLimit": "16Mi"}},
            {"name": "ccx-run", "emptyDir": {"sizeLimit": "1Mi"}},
            {"name": ARCHIVE_VOLUME, "persistentVolumeClaim": {"claimName": claim}},
        ],
    }


def _container(execution: ClaudeExecution, images: Images) -> Body:
    pod, output = execution.status.pod_name, execution.status.output
    assert pod is not None
    assert output is not None
    facts = ["--bytes", str(output.bytes), "--sha256", output.sha256, "--idle", str(IDLE_SECONDS)]
    archive = {"name": ARCHIVE_VOLUME, "subPath": archive_folder(execution, pod)}
    return {
        "name": AGENT_CONTAINER,  # the one that an exec of ours may enter
        "image": images.runner,
        "command": ["python3", "-I", "-S", RUNNER_PYZ, "read-archive", ARCHIVE_DIR, *facts],
        "env": [
            {"name": "CCX_RUN_DIR", "value": RUN_DIR},
            {"name": "CCX_TERMINATION_LOG", "value": TERMINATION_LOG},
        ],
        "resources": {
            "requests": {"cpu": "10m", "memory": "64Mi", "ephemeral-storage": "16Mi"},
            "limits": {"memory": "128Mi", "ephemeral-storage": "64Mi"},
        },
        "securityContext": container_security(),
        "terminationMessagePath": TERMINATION_LOG,
        "volumeMounts": [
            {"name": "ccx-runner", "mountPath": CCX_DIR, "readOnly": True},
            {"name": "ccx-run", "mountPath": RUN_DIR},
            {**archive, "mountPath": ARCHIVE_DIR, "readOnly": True},
        ],
    }
