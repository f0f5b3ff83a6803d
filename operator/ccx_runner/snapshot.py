"""What the runner tells of its process, as values; snapshot_json.py writes them down."""

from dataclasses import dataclass, field
from typing import Final, Literal

MAX_RESULT_BYTES: Final = 1024

State = Literal["Starting", "Running", "Paused", "Ending", "Ended"]
EndedBy = Literal["Cancel", "Deadline", "Outside", "Inside", "Lingered", "RunnerFault"]
ControlAction = Literal["pause", "resume", "cancel", "interrupt"]


@dataclass(frozen=True, slots=True)
class ControlFacts:
    """The newest control action."""

    action: ControlAction
    at: float
    """Unix time in seconds."""

    processes_stopped: int = 0
    rounds: int = 0
    millis: float = 0.0
    proven: bool = False
    """The wanted state was read back from /proc for every process."""


@dataclass(frozen=True, slots=True)
class Usage:
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0

    def plus(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cache_read_tokens + other.cache_read_tokens,
            self.cache_creation_tokens + other.cache_creation_tokens,
        )


@dataclass(frozen=True, slots=True)
class ClaudeFacts:
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
    """Of the conversation since it began: Claude counts on over --resume, here and in usage."""

    usage: Usage = Usage()
    result_bytes: int = 0
    result: str = ""
    restarts: int = 0
    """How many times its turn was restarted with --resume in this pod: once at most."""

    cut_off: bool = False
    """A freeze has cost it the API connection, and its turn was not restarted: see message."""


@dataclass(frozen=True, slots=True)
class OutputFacts:
    bytes: int = 0
    dropped_bytes: int = 0
    lines: int = 0
    sha256: str = ""
    first_ms: int | None = None
    """From the start of the process to its first output, in milliseconds; 11 days at most."""

    archived: int | None = None
    """Bytes of it that are in the archive. None: there is no archive."""


@dataclass(frozen=True, slots=True)
class MirrorFacts:
    bytes: int = 0
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Snapshot:
    state: State
    generation: int = 0
    frozen_by: tuple[str, ...] = ()
    pid: int | None = None
    pgid: int | None = None
    started_at: float | None = None
    active_seconds: float = 0.0
    paused_seconds: float = 0.0
    exit_code: int | None = None
    """Negative for a signal, None while the process lives."""

    ended_by: EndedBy | None = None
    stalled: bool = False
    """It runs, and nothing has been heard of it for too long; with ended_by Deadline it was ended
    for that.
    """

    message: str = ""
    control: ControlFacts | None = None
    claude: ClaudeFacts | None = None
    output: OutputFacts = field(default_factory=OutputFacts)
    mirror: MirrorFacts = field(default_factory=MirrorFacts)
