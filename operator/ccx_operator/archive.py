"""Where an execution's archive is: a folder of a claim, of which a pod sees its own part. Pure."""

from typing import Any, Final

from ccx_api.archive import Archive
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.workspace import claim_name

Body = dict[str, Any]

ARCHIVE_VOLUME: Final = "ccx-archive"


def archive_of(execution: ClaudeExecution) -> Archive | None:
    output = execution.spec.output
    return output.archive if output is not None else None


def archive_claim(execution: ClaudeExecution) -> str | None:
    """None: there is no archive."""
    archive = archive_of(execution)
    return (archive.volume_claim_name or claim_name(execution)) if archive is not None else None


def archive_volume(execution: ClaudeExecution, workspaces: str) -> str:
    """No pod has a claim in two volumes: a kubelet may wait for the second for ever."""
    own = archive_claim(execution) != claim_name(execution)
    return ARCHIVE_VOLUME if own else workspaces


def archive_folder(execution: ClaudeExecution, pod: str) -> str:
    """Of the claim, for the attempt of that pod."""
    archive = archive_of(execution)
    assert archive is not None
    return f"{archive.path}/{pod}"
