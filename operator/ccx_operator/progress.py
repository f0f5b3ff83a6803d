"""Copy what pod and runner tell into the status: facts alone, no judgement. Pure."""

from datetime import UTC, datetime
from typing import Final

from ccx_api.snapshot import ClaudeSnapshot, Snapshot
from ccx_api.status import (
    ControlStatus,
    EndedAttempts,
    ExecutionStatus,
    OutputStatus,
    Phase,
    ProcessStatus,
    ResultStatus,
    SessionStatus,
)
from ccx_operator.facts import PodFacts
from ccx_operator.usage import usage_of, usage_with

_LIVE: Final = (
    "active_seconds",
    "paused_seconds",
    "first_output_time",
    "session",
    "usage",
    "output",
    "result",
)
"""What changes all the time while the process runs."""


def with_pod(status: ExecutionStatus, pod: PodFacts) -> ExecutionStatus:
    """Not its node: that would cost a write of its own between creation and start."""
    update: dict[str, object] = {"pod_name": pod.name, "pod_uid": pod.uid}
    if status.attempts is None:
        update["attempts"] = 1
    return status.model_copy(update=update)


def without_pod(status: ExecutionStatus) -> ExecutionStatus:
    return status.model_copy(update={"pod_name": None, "pod_uid": None})


def with_snapshot(status: ExecutionStatus, snapshot: Snapshot) -> ExecutionStatus:
    ended = status.ended_attempts or EndedAttempts()
    update: dict[str, object] = {
        "process": _process(snapshot),
        "active_seconds": ended.active_seconds + int(snapshot.active_seconds),
        "paused_seconds": ended.paused_seconds + int(snapshot.paused_seconds),
        "output": OutputStatus.model_validate(snapshot.output.model_dump()),
    }
    if status.start_time is None and snapshot.started_at is not None:
        update["start_time"] = _seconds(snapshot.started_at)
    if status.first_output_time is None:
        update["first_output_time"] = _first_output(snapshot)
    if (control := snapshot.control) is not None:
        update["control"] = ControlStatus(
            last_action=control.action,
            processes_stopped=control.processes_stopped,
            latency_millis=round(control.millis),
            delivered_at=_seconds(control.at),
            proven=control.proven,
        )
    if snapshot.claude is not None:
        update |= _claude(snapshot.claude, ended)
    return status.model_copy(update=update)


def turn_restarted(snapshot: Snapshot) -> str:
    """What a person is told of it; empty if it was not."""
    if snapshot.claude is None or not snapshot.claude.restarts:
        return ""
    return "its turn was restarted with --resume: a pause had cost it the API connection"


def only_live_facts_differ(old: ExecutionStatus, new: ExecutionStatus) -> bool:
    return old == new.model_copy(update={field: getattr(old, field) for field in _LIVE})


def only_a_pause_has_gone_on(old: ExecutionStatus, new: ExecutionStatus) -> bool:
    """How long it has lasted is written with its end."""
    same = new.model_copy(update={"paused_seconds": old.paused_seconds})
    return new.phase is Phase.PAUSED and old == same


def _process(snapshot: Snapshot) -> ProcessStatus:
    code = snapshot.exit_code
    return ProcessStatus(
        pid=snapshot.pid,
        pgid=snapshot.pgid,
        state=snapshot.state,
        exit_code=code if code is not None and code >= 0 else None,
        signal=-code if code is not None and code < 0 else None,
    )


def _claude(claude: ClaudeSnapshot, ended: EndedAttempts) -> dict[str, object]:
    update: dict[str, object] = {}
    if claude.session_id is not None:
        update["session"] = SessionStatus(
            id=claude.session_id,
            model=claude.model,
            turns=ended.turns + claude.turns,
            terminal_reason=claude.terminal_reason,
            restarts=claude.restarts,
        )
    if (usage := usage_of(claude)) is not None:
        update["usage"] = usage_with(ended, usage)
    if claude.is_error is not None:
        update["result"] = ResultStatus(text=claude.result, bytes=claude.result_bytes)
    return update


def _first_output(snapshot: Snapshot) -> datetime | None:
    first = snapshot.output.first_ms
    if first is None or snapshot.started_at is None:
        return None
    return _seconds(snapshot.started_at + first / 1000)


def _seconds(unix: float) -> datetime:
    return datetime.fromtimestamp(int(unix), UTC)
