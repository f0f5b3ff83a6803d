"""What the spec wants of a process, fenced by generation: the message to the runner."""

from ccx_api.model import ApiModel
from ccx_api.v1alpha1 import STALL_TIMEOUT_SECONDS, ClaudeExecution, DesiredState, OnStall


class Wish(ApiModel):
    """The runner refuses one that is older than the newest it has carried out.

    So a late messenger never undoes a newer wish, and two may say the same.
    """

    generation: int
    desired_state: DesiredState = DesiredState.RUNNING
    active_deadline_seconds: int | None = None
    stall_timeout_seconds: int = STALL_TIMEOUT_SECONDS
    on_stall: OnStall = OnStall.REPORT

    @classmethod
    def of(cls, execution: ClaudeExecution) -> "Wish":
        return cls(
            generation=execution.metadata.generation,
            desired_state=execution.spec.desired_state,
            active_deadline_seconds=active_seconds_left(execution),
            stall_timeout_seconds=execution.spec.stall_timeout_seconds,
            on_stall=execution.spec.on_stall,
        )


def active_seconds_left(execution: ClaudeExecution) -> int | None:
    """To the newest attempt; at least 1, since a runner cannot be told of less."""
    limit, ended = execution.spec.active_deadline_seconds, execution.status.ended_attempts
    if limit is None or ended is None:
        return limit
    return max(1, limit - ended.active_seconds)
