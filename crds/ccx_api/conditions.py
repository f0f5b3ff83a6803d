"""Condition types and reasons: each word once, with the sentence on when it is true."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from ccx_api.model import ApiModel


class ConditionType(StrEnum):
    ACCEPTED = "Accepted"
    """The spec is one that this operator carries out."""

    POD_READY = "PodReady"
    """The pod's readiness: True while the process runs freely."""

    RUNNING = "Running"
    """A process exists that has not ended. Unknown while its node cannot be reached."""

    PAUSED = "Paused"
    """Every process of the execution is frozen, and that has been read back."""

    STALLED = "Stalled"
    """No sign of life for spec.stallTimeoutSeconds. Absent until that is so for the first time."""

    SUCCEEDED = "Succeeded"
    """The summary: Unknown until the end."""

    FINISHED = "Finished"
    """True at any end: what `kubectl wait` waits for."""


class Reason(StrEnum):
    """Why a phase or a condition is what it is. The design's phase table is their specification."""

    NOT_ALLOWED = "NotAllowed"
    """The spec asks for something that is refused; the message names the field."""

    ALLOWED = "Allowed"
    SUSPENDED = "Suspended"
    """spec.suspend holds it: no pod is made."""

    RESTORED = "Restored"
    """It is a copy of one that has run, such as from a backup: it does not run again by itself."""

    POD_REJECTED = "PodRejected"
    """The API server refuses the pod for good; its words are in the message."""

    QUOTA_EXCEEDED = "QuotaExceeded"
    """A ResourceQuota of the namespace is used up; the pod is tried again."""

    POD_NAME_TAKEN = "PodNameTaken"
    """A pod of that name belongs to somebody else."""

    POD_CREATED = "PodCreated"
    """The pod is asked for, its process has not started."""

    SCHEDULING_GATED = "SchedulingGated"
    """A scheduling gate of the pod, such as a queue's, holds it."""

    UNSCHEDULABLE = "Unschedulable"
    IMAGE_PULL_ERROR = "ImagePullError"
    CONFIG_ERROR = "ConfigError"
    """A Secret, ConfigMap, claim or image is missing or wrong; the message says which."""

    START_DEADLINE_EXCEEDED = "StartDeadlineExceeded"
    NODE_UNREACHABLE = "NodeUnreachable"
    RETRYING = "Retrying"
    """An attempt was lost to what can heal; the next begins at status.retryTime."""

    STARTED = "Started"
    RESUMED = "Resumed"
    TURN_RESTARTED = "TurnRestarted"
    """A pause had cost Claude the API connection; its turn goes on by --resume, once."""

    PAUSED_BY_USER = "PausedByUser"
    BUDGET_SOFT_LIMIT = "BudgetSoftLimit"
    """Its runner has frozen it at the soft limit of its budget."""

    RATE_LIMITED = "RateLimited"
    """Its runner has frozen it until the API's rate limit is over."""

    COMPLETED = "Completed"
    API_ERROR = "ApiError"
    MAX_TURNS = "MaxTurns"
    BUDGET_EXHAUSTED = "BudgetExhausted"
    INTERRUPTED = "Interrupted"
    CLAUDE_ERROR = "ClaudeError"
    """Claude's result is an error of a kind that has no word of its own here."""

    EXIT_CODE = "ExitCode"
    """The command ended by itself with a code that is not 0."""

    SIGNAL = "Signal"
    """A signal from inside ended it: a crash, or the agent's own kill."""

    NO_RESULT = "NoResult"
    """Claude ended without a result event."""

    RUNNER_FAULT = "RunnerFault"
    """The runner could not do its work (spool or termination log) and ended the execution."""

    DEADLINE_EXCEEDED = "DeadlineExceeded"
    STALLED = "Stalled"
    """No sign of life for spec.stallTimeoutSeconds, while no tool call was open."""

    ACTIVE = "Active"
    """Something has been heard of it again; for the condition Stalled."""

    OOM_KILLED = "OOMKilled"
    EVICTED = "Evicted"
    POD_LOST = "PodLost"
    CANCELLED_BY_USER = "CancelledByUser"
    SESSION_CLOSED = "SessionClosed"
    """Its client has left, or its gateway, and nobody has taken its session over in time."""

    NOT_STARTED = "NotStarted"
    """No process has been seen yet."""

    NOT_PAUSED = "NotPaused"
    NOT_READY = "NotReady"
    READY = "Ready"
    ENDED = "Ended"
    """The process is over; for the condition Running."""

    IN_PROGRESS = "InProgress"
    """Not at its end yet; for the conditions Succeeded and Finished."""


class Condition(ApiModel):
    """A metav1 condition: what `kubectl wait` waits for."""

    type: str
    status: Literal["True", "False", "Unknown"]
    observed_generation: int = 0
    last_transition_time: datetime
    """When the status last changed."""

    reason: Annotated[str, Field(max_length=1024)]
    message: Annotated[str, Field(max_length=32_768)] = ""
