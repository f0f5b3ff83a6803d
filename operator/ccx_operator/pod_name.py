"""The name of an execution's pod. Pure: whoever computes it gets the same, so none is made twice.

cx-<name, cut to 40>-<8 hex of the uid>-<attempt>
"""

from ccx_api.v1alpha1 import ClaudeExecution


def pod_name(execution: ClaudeExecution) -> str:
    """Of its newest attempt."""
    return f"{base_name(execution)}-{attempt(execution)}"


def base_name(execution: ClaudeExecution) -> str:
    """What is its own in its namespace."""
    metadata = execution.metadata
    # A name may hold dots, and no part of one may end in '-' or '.' before ours begins.
    name = metadata.name[:40].rstrip("-.")
    return f"cx-{name}-{metadata.uid.replace('-', '')[:8]}"


def attempt(execution: ClaudeExecution) -> int:
    return execution.status.attempts or 1


def attempt_of(pod: str) -> int:
    """By a pod's name; 0 where it is none of ours."""
    number = pod.rpartition("-")[2]
    return int(number) if number.isascii() and number.isdigit() else 0
