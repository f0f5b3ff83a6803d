"""ClaudeExecution v1alpha1: the contract between users, operator, gateway and kubectl.

crds/claudeexecutions.yaml and docs/api.md are rendered from these models by `make manifests`.
A field's docstring becomes its description there.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from ccx_api.model import OPEN_OBJECT, ApiModel, list_map, rules
from ccx_api.names import GROUP
from ccx_api.output import Output
from ccx_api.references import (
    Credentials,
    EnvFromSource,
    EnvVar,
    PromptSource,
    ResourceRequirements,
)
from ccx_api.status import ExecutionStatus
from ccx_api.workspace import Workspace

RUN_CONTROL: Final = frozenset(
    {
        "desiredState",
        "suspend",
        "activeDeadlineSeconds",
        "startDeadlineSeconds",
        "stallTimeoutSeconds",
        "onStall",
        "session",
        "ttlSecondsAfterFinished",
    }
)
"""What may change while an execution runs. The CRD freezes the rest of the spec."""

STALL_TIMEOUT_SECONDS: Final = 300

CLAUDE_ONLY: Final = ("model", "maxTurns", "allowedTools", "disallowedTools", "permissionMode")
"""What only makes sense with a prompt."""


class DesiredState(StrEnum):
    """What the user asks for. Only users and the gateway write it."""

    RUNNING = "Running"
    PAUSED = "Paused"
    CANCELLED = "Cancelled"


class OnDisconnect(StrEnum):
    """What becomes of an execution whose session is closed."""

    CANCEL = "Cancel"
    DETACH = "Detach"


class OnStall(StrEnum):
    """What becomes of an execution that gives no sign of life."""

    REPORT = "Report"
    FAIL = "Fail"


class Session(ApiModel):
    """The connection that an execution belongs to. Written by the gateway that serves it."""

    id: Annotated[str, Field(min_length=1, max_length=128)]
    """By which a client that comes back takes it over, at any gateway."""

    gateway: Annotated[str | None, Field(min_length=1, max_length=253)] = None
    """The name of its gateway's Lease, in the operator's namespace. Absent: it is closed."""


Tool = Annotated[str, Field(min_length=1, max_length=1024)]
Argument = Annotated[str, Field(max_length=65_536)]

_ONE_TASK = "[has(self.prompt), has(self.promptFrom), has(self.command)].filter(x, x).size() == 1"
_NO_CLAUDE_FIELDS = " && ".join(f"!has(self.{field})" for field in CLAUDE_ONLY)


_ARCHIVED = "has(self.output) && has(self.output.archive)"
_CLAIMED = (
    "has(self.output.archive.volumeClaimName) || (has(self.workspace) && "
    "(has(self.workspace.volumeClaimName) || has(self.workspace.volumeClaimTemplate)))"
)
_CANCEL_IS_FINAL = rules(
    (
        "oldSelf != 'Cancelled' || self == 'Cancelled'",
        "Cancelled is final: create a new execution instead",
    )
)


class ExecutionSpec(ApiModel):
    model_config = ConfigDict(
        json_schema_extra=rules(
            (_ONE_TASK, "name exactly one of prompt, promptFrom and command"),
            (
                f"!has(self.command) || ({_NO_CLAUDE_FIELDS})",
                f"{', '.join(CLAUDE_ONLY)} go with a prompt: a command takes them as arguments",
            ),
            (
                f"!({_ARCHIVED}) || {_CLAIMED}",
                "spec.output.archive: name a claim (volumeClaimName), or put the workspace on one",
            ),
        )
    )

    prompt: Annotated[str | None, Field(min_length=1, max_length=32_000)] = None
    """What Claude Code is asked to do. Longer instructions belong in a file of the workspace."""

    prompt_from: PromptSource | None = None
    """The prompt as a key of a ConfigMap or Secret, where it is too private for this object."""

    command: Annotated[tuple[Argument, ...] | None, Field(min_length=1, max_length=256)] = None
    """A program and its arguments instead of Claude Code: passed on as they are, to no shell."""

    model: Annotated[str | None, Field(min_length=1, max_length=128)] = None
    """The model that Claude Code uses. Its own default if absent."""

    max_turns: Annotated[int | None, Field(ge=1)] = None
    """How many turns Claude Code may take before it fails with MaxTurns."""

    allowed_tools: Annotated[tuple[Tool, ...] | None, Field(max_length=128)] = None
    """Tools that need no permission, in Claude Code's syntax, such as Bash(git log:*)."""

    disallowed_tools: Annotated[tuple[Tool, ...] | None, Field(max_length=128)] = None
    """Tools that are refused."""

    permission_mode: (
        Literal["acceptEdits", "auto", "bypassPermissions", "dontAsk", "manual", "plan"] | None
    ) = None
    """What Claude Code may do without being asked."""

    image: Annotated[str | None, Field(min_length=1, max_length=512)] = None
    """The agent's image: it holds python3 and Claude Code. The operator's default if absent."""

    env: Annotated[tuple[EnvVar, ...] | None, list_map("name"), Field(max_length=256)] = None
    """Environment variables of the agent."""

    env_from: Annotated[tuple[EnvFromSource, ...] | None, Field(max_length=64)] = None
    """Secrets and ConfigMaps of which every key becomes a variable."""

    credentials: Credentials | None = None
    workspace: Workspace | None = None
    output: Output | None = None
    resources: ResourceRequirements | None = None
    pod_template: Annotated[dict[str, Any] | None, OPEN_OBJECT] = None
    """A partial pod template (metadata and spec), merged under what the operator needs.

    The container `agent` is the execution's. A sidecar belongs into initContainers, with
    restartPolicy Always: a plain container beside the agent keeps the pod alive after its end.
    """

    desired_state: Annotated[DesiredState, Field(json_schema_extra=_CANCEL_IS_FINAL)] = (
        DesiredState.RUNNING
    )
    """Running, Paused (frozen in memory) or Cancelled, which is final."""

    suspend: bool = False
    """Keep the execution Queued, without a pod. One that runs ends its pod for it, and goes on in
    another one later; it needs a claim for its workspace.
    """

    active_deadline_seconds: Annotated[int | None, Field(ge=1)] = None
    """Seconds the process may run in all attempts; queued and paused time do not count."""

    start_deadline_seconds: Annotated[int, Field(ge=1)] = 600
    """Seconds from the making of the pod within which the process must run."""

    stall_timeout_seconds: Annotated[int, Field(ge=1, le=31_536_000)] = STALL_TIMEOUT_SECONDS
    """Seconds without any output, while no tool call of Claude's is open, after which it counts as
    stalled; frozen time does not count. A turn of Claude's of which nothing has come since a
    pause is then restarted, once: its connection to the API may be dead without its knowing.
    """

    on_stall: OnStall = OnStall.REPORT
    """Whether what is stalled is reported by the condition Stalled, or ended."""

    session: Session | None = None
    on_disconnect: OnDisconnect = OnDisconnect.CANCEL
    """Whether it is cancelled or goes on when its session is closed, or its gateway has gone
    and no other has taken the session over. Without a session it has no effect.
    """

    requested_by: Annotated[str | None, Field(min_length=1, max_length=1024)] = None
    """The user whom the gateway made it for, as the API server knows them. Written by the gateway
    alone; an admission policy refuses it of everybody else.
    """

    backoff_limit: Annotated[int, Field(ge=0, le=100)] = 0
    """How often it is tried again after what can heal: its pod lost, evicted or drained, out of
    memory, or the Messages API overloaded. Nothing else is tried again.
    """

    retry_delay_seconds: Annotated[int, Field(ge=0, le=3600)] = 10
    """Seconds before the first retry; twice as long before each further one, up to 6 minutes."""

    termination_grace_period_seconds: Annotated[int, Field(ge=0, le=3600)] = 10
    """Seconds between TERM and KILL when the execution is cancelled or its time is up."""

    ttl_seconds_after_finished: Annotated[int | None, Field(ge=0)] = None
    """Seconds from its end until the operator deletes the execution, and its pod with it: 0 is
    at once. It may be set, changed and removed after the end, too. It is kept if absent.
    """


def _ours(annotations: object) -> object:
    """Others keep whole copies of the object in them."""
    if not isinstance(annotations, Mapping):
        return annotations or {}
    return {k: v for k, v in annotations.items() if str(k).startswith(f"{GROUP}/")}


class Metadata(ApiModel):
    name: str
    namespace: str
    uid: str
    generation: int = 1
    resource_version: str = ""
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    finalizers: tuple[str, ...] = ()
    annotations: Annotated[Mapping[str, str], BeforeValidator(_ours)] = {}
    """Ours alone."""


class ClaudeExecution(ApiModel):
    metadata: Metadata
    spec: ExecutionSpec
    status: ExecutionStatus = ExecutionStatus()
