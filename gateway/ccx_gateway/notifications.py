"""What a client is told of an execution: the original's fields, and ours beside them. Pure."""

from typing import Any

from ccx_api.conditions import Reason
from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway.control import Proof
from ccx_gateway.output_text import decoded, text_of
from ccx_gateway.output_window import Gap, Slice

VERSION = "1.0.0"
"""Of the wire: the original's."""

CAPABILITIES = ("execute", "control", "stream")

Fields = dict[str, Any]

_TOLD_BY_EXIT_CODE = frozenset({Reason.EXIT_CODE, Reason.SIGNAL})


def identity(execution: ClaudeExecution) -> Fields:
    metadata = execution.metadata
    return {"execution": metadata.name, "namespace": metadata.namespace}


def connected(session_id: str) -> Fields:
    return {"session_id": session_id, "version": VERSION, "capabilities": list(CAPABILITIES)}


def process(status: str, pid: int | None, pgid: int | None, **more: Any) -> Fields:
    return {"status": status, "pid": pid, "pgid": pgid, "exit_code": None, "error": None, **more}


def output(execution: ClaudeExecution, found: Slice) -> Fields:
    merged = found.stream == "merged"
    return {
        "type": "stdout" if merged else found.stream,
        "data": text_of(found),
        "truncated": found.truncated,
        **({"merged": True} if merged else {}),
        "execution": execution.metadata.name,
        "offset": found.offset,
        "end": found.end,
    }


def gap(execution: ClaudeExecution, found: Gap) -> Fields:
    return {
        "execution": execution.metadata.name,
        "from": found.offset,
        "to": found.end,
        "bytes": found.end - found.offset,
    }


def tail(execution: ClaudeExecution, data: bytes) -> Fields:
    return {**identity(execution), "data": decoded(data), "bytes": len(data)}


def completed(execution: ClaudeExecution) -> Fields:
    """`completed` iff the exit code is 0, as in the original; the phase is the verdict."""
    status = execution.status
    ended = status.process
    code = exit_code(execution)
    told = process(
        "completed" if code == 0 else "failed",
        ended.pid if ended is not None else None,
        ended.pgid if ended is not None else None,
        **identity(execution),
        phase=status.phase.value,
        reason=status.reason,
    )
    return told | {"exit_code": code, "error": _error(execution)}


def exit_code(execution: ClaudeExecution) -> int | None:
    """0 to 255, or -N for signal N; None where nobody saw the end."""
    ended = execution.status.process
    if ended is None or ended.exit_code is not None:
        return None if ended is None else ended.exit_code
    return None if ended.signal is None else -ended.signal


def proven(status: str, execution: ClaudeExecution, proof: Proof) -> Fields:
    """The result of a control."""
    return {
        "status": status,
        **identity(execution),
        "processesStopped": proof.processes_stopped,
        "latencyMillis": proof.latency_millis,
    }


def summary(execution: ClaudeExecution) -> Fields:
    """The result of `status`, and an item of `list`."""
    spec, status = execution.spec, execution.status
    return {
        **identity(execution),
        "phase": status.phase.value,
        "reason": status.reason,
        "message": status.message,
        "desiredState": spec.desired_state.value,
        "pod": status.pod_name,
        "pid": status.process.pid if status.process is not None else None,
        "pgid": status.process.pgid if status.process is not None else None,
        "exit_code": exit_code(execution),
        "outputBytes": status.output.bytes if status.output is not None else None,
        "session_id": spec.session.id if spec.session is not None else None,
    }


def _error(execution: ClaudeExecution) -> str | None:
    """What an exit code does not tell: a lost pod, a deadline, Claude's own error."""
    status = execution.status
    if status.phase is not Phase.FAILED or status.reason in _TOLD_BY_EXIT_CODE:
        return None
    return f"{status.reason}: {status.message}" if status.message else status.reason
