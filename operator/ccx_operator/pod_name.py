"""The name of an execution's pod. Pure: whoever computes it gets the same, so none is made twice.

cx-<name, cut to 40>-<8 hex of the uid>-<attempt>
"""

from typing import Final

from ccx_api.v1alpha1 import ClaudeExecution

ATTEMPT: Final = 1


def pod_name(execution: ClaudeExecution) -> str:
    metadata = execution.metadata
    # A name may hold dots, and no part of one may end in '-' or '.' before ours begins.
    name = metadata.name[:40].rstrip("-.")
    return f"cx-{name}-{metadata.uid.replace('-', '')[:8]}-{ATTEMPT}"
