"""Whether a pod may have come and gone unseen, as its creator has died or got no answer. Pure."""

from ccx_api.names import FINALIZER
from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution


def asked_since(execution: ClaudeExecution) -> str | None:
    """For who sees an execution for the first time: the version from which on one may have.

    None: its status names its pod, or nobody was making one, as it has said that it waits.
    """
    status, metadata = execution.status, execution.metadata
    waits = status.phase is Phase.QUEUED and status.reason != ""
    if waits or status.pod_uid is not None or FINALIZER not in metadata.finalizers:
        return None
    return metadata.resource_version
