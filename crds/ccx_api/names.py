"""The words that more than one component must spell alike: group, labels, containers, paths."""

from typing import Final

GROUP: Final = "cc-executor.dev"
VERSION: Final = "v1alpha1"
PLURAL: Final = "claudeexecutions"
KIND: Final = "ClaudeExecution"
API_VERSION: Final = f"{GROUP}/{VERSION}"
EXECUTIONS: Final = (GROUP, VERSION, PLURAL)

LABEL_EXECUTION_UID: Final = f"{GROUP}/execution-uid"
"""On a pod: whose it is. By uid, because names repeat over namespaces and outgrow a label."""

LABEL_EXECUTION_NAME: Final = f"{GROUP}/execution"
"""On a pod, for people: the execution's name, cut to the 63 characters of a label."""

ANNOTATION_GENERATION: Final = f"{GROUP}/generation"
"""On a pod: the `metadata.generation` of the execution that its first wish was taken from."""

ANNOTATION_STARTED_AS: Final = f"{GROUP}/started-as"
"""On an execution that has had a pod, or is just about to: its uid. In a copy it is another's."""

ANNOTATION_WISH: Final = f"{GROUP}/wish"
"""On a pod: its first wish, as JSON. It may change until the kubelet starts the agent's container,
which reads it then."""

ANNOTATION_READ: Final = f"{GROUP}/read-archive"
"""On an execution that has ended: somebody wants to read its archive. It goes once a reader is
there."""

LABEL_READER: Final = f"{GROUP}/reads"
"""On the pod that reads an archive: the uid of the execution whose it is."""

FINALIZER: Final = f"{GROUP}/process"
"""On an execution: its process may still run, and must be ended before the object goes."""

USAGE_RECORD: Final = "cc-executor-usage"
"""The ConfigMap of a namespace with what its executions have used."""

LABEL_COMPONENT: Final = "app.kubernetes.io/component"
COMPONENT_GATEWAY: Final = "gateway"
"""On the Lease of a gateway: by this the operator finds them all."""

OPERATOR_LEASE: Final = "ccx-operator"
"""In the operator's namespace, which is therefore an installation's own: who holds it leads."""

AGENT_CONTAINER: Final = "agent"
RUNNER_CONTAINER: Final = "runner"

CCX_DIR: Final = "/ccx"
"""Where the init container puts the runner; read-only for the agent."""

RUN_DIR: Final = "/run/ccx"
ARCHIVE_DIR: Final = f"{RUN_DIR}/archive"
HOME_DIR: Final = "/home/agent"
WORKSPACE_DIR: Final = "/workspace"
TMP_DIR: Final = "/tmp"  # noqa: S108  a mount path in the pod, not a file of ours
TERMINATION_LOG: Final = "/dev/termination-log"

RUNNER_PYZ: Final = f"{CCX_DIR}/ccx-runner.pyz"
LINK_ARGV: Final = ("python3", "-I", "-S", f"{CCX_DIR}/link.py")
"""The one command that operator and gateway run by pod exec; admission can allow just this."""

READINESS_PORT: Final = 8099
RESERVED_ENV_PREFIX: Final = "CCX_"


def reader_of(pod: str) -> str:
    """The name of the pod that reads what that one has archived: no attempt has the number 0."""
    return f"{pod.rpartition('-')[0]}-0"
