"""What the runner tells of its process: over its link, and last in the termination message.

Written by ccx_runner.snapshot_json, which imports nothing of ours; a test holds the two together.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from ccx_api.model import ApiModel

VERSIONS: Final = (1, 2)
"""Of snapshots that can be read: this one and the one before. Unknown fields are ignored."""

EndedBy = Literal["Cancel", "Deadline", "Outside", "Inside", "Lingered", "RunnerFault"]


class ControlSnapshot(ApiModel):
    """The newest control action."""

    action: Literal["pause", "resume", "cancel", "interrupt"]
    processes_stopped: int = 0
    rounds: int = 0
    millis: float = 0.0
    at: float
    """Unix time in seconds."""

    proven: bool = False
    """The wanted state was read back from /proc for every process."""


class UsageSnapshot(ApiModel):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0


class ClaudeSnapshot(ApiModel):
    """What was read from Claude's stream-json."""

    session_id: str | None = None
    model: str | None = None
    turns: int = 0
    is_error: bool | None = None
    """None until a result has been seen."""

    subtype: str | None = None
    terminal_reason: str | None = None
    api_status: int | None = None
    """The HTTP status that the Messages API refused with, where that ended the run."""

    cost_usd: str | None = None
    usage: UsageSnapshot = UsageSnapshot()
    result_bytes: int = 0
    result: str = ""
    restarts: int = 0
    """How many times its turn was restarted with --resume in this pod: once at most."""

    cut_off: bool = False
    """A freeze has cost it the API connection, and its turn was not restarted: see message."""


class OutputSnapshot(ApiModel):
    bytes: int = 0
    dropped_bytes: int = 0
    lines: int = 0
    sha256: str = ""
    first_ms: int | None = None
    """From the start of the process to its first output, in milliseconds; 11 days at most."""

    archived: int | None = None
    """Bytes of it that are in the archive. None: there is no archive."""


class MirrorSnapshot(ApiModel):
    """What went to the container's log: equal to it only if length and hash are equal."""

    bytes: int = 0
    sha256: str = ""


class Snapshot(ApiModel):
    v: Annotated[int, Field(ge=VERSIONS[0], le=VERSIONS[-1])]
    state: Literal["Starting", "Running", "Paused", "Ending", "Ended"]
    generation: int = 0
    """The newest generation of the spec whose wish the runner has carried out."""

    frozen_by: tuple[str, ...] = ()
    """Who wants it frozen: spec, local (from inside the pod), budget, rateLimit. It thaws when
    none is left."""

    pid: int | None = None
    pgid: int | None = None
    started_at: float | None = None
    """Unix time in seconds."""

    active_seconds: float = 0.0
    paused_seconds: float = 0.0
    exit_code: int | None = None
    """Negative for a signal, None while the process lives."""

    ended_by: EndedBy | None = None
    """Who ended it. None: by itself."""

    stalled: bool = False
    """It runs, and nothing has been heard of it for too long; with endedBy Deadline it was ended
    for that, and not for its deadline.
    """

    message: str = ""
    control: ControlSnapshot | None = None
    claude: ClaudeSnapshot | None = None
    output: OutputSnapshot = OutputSnapshot()
    mirror: MirrorSnapshot = MirrorSnapshot()


def unreadable(told: Mapping[str, Any]) -> str:
    """Why a snapshot of another version is not read; empty if its version can be."""
    version = told.get("v")
    if not isinstance(version, int) or version in VERSIONS:
        return ""
    known = f"{VERSIONS[0]}-{VERSIONS[-1]}"
    return f"its runner tells of itself in version {version}, this program reads {known}"
