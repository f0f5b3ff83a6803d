"""What the operator has observed. Only the operator writes it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field

from ccx_api.conditions import Condition
from ccx_api.model import ApiModel, list_map, rules


class Phase(StrEnum):
    """What the operator last observed, in one word for people; derived from the conditions."""

    QUEUED = "Queued"
    STARTING = "Starting"
    RUNNING = "Running"
    PAUSED = "Paused"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"

    @property
    def is_terminal(self) -> bool:
        return self in (Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELLED)


TERMINAL: Final = "a terminal phase is never left"

_NEVER_LEFT: Final = rules(
    ("!(oldSelf in ['Succeeded', 'Failed', 'Cancelled']) || self == oldSelf", TERMINAL)
)


class ProcessStatus(ApiModel):
    """The execution's main process, as the runner last told."""

    pid: int | None = None
    """In the container's pid namespace."""

    pgid: int | None = None
    state: Literal["Starting", "Running", "Paused", "Ending", "Ended"]
    exit_code: int | None = None
    signal: int | None = None
    """The signal that ended it, instead of an exit code."""


class ControlStatus(ApiModel):
    """The newest PAUSE, RESUME or CANCEL that was carried out, with its proof."""

    last_action: str
    processes_stopped: int = 0
    """How many processes were read back from /proc as stopped."""

    latency_millis: int = 0
    """From the runner's receipt of the wish to the proof."""

    delivered_at: datetime
    proven: bool = False
    """The wanted state was read back from /proc for every process."""


class SessionStatus(ApiModel):
    """Claude's conversation."""

    id: str
    """For `claude --resume`."""

    model: str | None = None
    turns: int = 0
    terminal_reason: str | None = None
    """Claude's own word on why it stopped."""

    restarts: int = 0
    """How many times its turn was restarted after a pause had cost it the API connection."""


class UsageStatus(ApiModel):
    """What Claude's results reported as used, over all attempts."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0
    cost_usd: str | None = None
    """US dollars as a decimal string, as Claude Code computed them."""


class EndedAttempts(ApiModel):
    """The attempts before the newest one: what they used, and what of them goes on."""

    retries: int = 0
    """How many attempts spec.backoffLimit has been charged with."""

    retried_for: str | None = None
    """The reason for which the newest of them was given up, e.g. PodLost."""

    active_seconds: int = 0
    paused_seconds: int = 0
    turns: int = 0
    usage: UsageStatus | None = None
    output_bytes: int | None = None
    """What the last of them printed in all. Absent: its runner did not come to say so."""

    resume: str | None = None
    """The conversation that the newest attempt continues. Absent: it begins anew."""

    resume_usage: UsageStatus | None = None
    """What Claude had counted in that conversation: it counts on from there."""


class ResultStatus(ApiModel):
    """Claude's final answer."""

    text: str = ""
    """Its beginning: at most 1 KiB."""

    bytes: int = 0
    """The length of the whole answer."""


class OutputStatus(ApiModel):
    """Both streams of the newest attempt in order of arrival, as its runner's spool counted."""

    bytes: int = 0
    dropped_bytes: int = 0
    """No longer in the spool."""

    lines: int = 0
    sha256: str = ""
    """Of all bytes, the dropped ones included."""

    archived: int | None = None
    """How many of the bytes are in the archive, where there is one: it is complete if all are."""


class ExecutionStatus(ApiModel):
    observed_generation: int = 0
    """The newest metadata.generation that this status speaks of."""

    phase: Annotated[Phase, Field(json_schema_extra=_NEVER_LEFT)] = Phase.QUEUED
    reason: str = ""
    """CamelCase word for machines: why the phase is what it is, e.g. PodLost."""

    message: str = ""
    """The same for people, and what to do about it."""

    conditions: Annotated[tuple[Condition, ...], list_map("type")] = ()
    start_time: datetime | None = None
    """When the process started, in the first attempt."""

    first_output_time: datetime | None = None
    """When it first printed something, in the first attempt that did."""

    completion_time: datetime | None = None
    attempts: int | None = None
    """How many attempts there have been, with the newest, which may still have to begin."""

    retry_time: datetime | None = None
    """When the newest attempt begins, if that is not at once."""

    ended_attempts: EndedAttempts | None = None
    active_seconds: int | None = None
    """How long the process ran, over all attempts: what activeDeadlineSeconds counts."""

    paused_seconds: int | None = None
    pod_name: str | None = None
    pod_uid: str | None = None
    node_name: str | None = None
    process: ProcessStatus | None = None
    control: ControlStatus | None = None
    session: SessionStatus | None = None
    usage: UsageStatus | None = None
    result: ResultStatus | None = None
    output: OutputStatus | None = None
