"""What a client is told of an execution: the original's fields, and ours beside them. Pure."""

from typing import Any

from ccx_api.conditions import Reason
from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway.beginning import Process
from ccx_gateway.control import Proof
from ccx_gateway.output_text import decoded, text_of
from ccx_gateway.output_window import Gap, Slice
from ccx_gateway.place import attempt_of
from ccx_gateway.view import Encoding

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


def answered(execution: ClaudeExecution, found: Process | None) -> Fields:
    """The result of `execute`. One that is suspended has no process until it is let go."""
    if found is None:
        nothing = dict.fromkeys(("pid", "pgid", "pod"))
        return {"status": "suspended", **identity(execution), **nothing}
    told: Fields = {"status": "started", "pid": found.pid, "pgid": found.pgid}
    return told | identity(execution) | _attempt(found.attempt) | {"pod": found.pod}


def started(execution: ClaudeExecution, found: Process) -> Fields:
    name = identity(execution) | _attempt(found.attempt)
    return process("started", found.pid, found.pgid, **name, pod=found.pod)


def output(
    execution: ClaudeExecution, found: Slice, attempt: int = 1, encoding: Encoding = "utf-8"
) -> Fields:
    """`offset` and `end` stand last: line_block.py puts them there by itself."""
    merged = found.stream == "merged"
    return {
        "type": "stdout" if merged else found.stream,
        "data": text_of(found, encoding),
        **({} if encoding == "utf-8" else {"encoding": encoding}),
        "truncated": found.truncated,
        **({"merged": True} if merged else {}),
        "execution": execution.metadata.name,
        **_attempt(attempt),
        "offset": found.offset,
        "end": found.end,
    }


def gap(execution: ClaudeExecution, found: Gap, attempt: int = 1) -> Fields:
    return {
        "execution": execution.metadata.name,
        **_attempt(attempt),
        "from": found.offset,
        "to": found.end,
        "bytes": found.end - found.offset,
    }


def tail(execution: ClaudeExecution, data: bytes, attempt: int = 1) -> Fields:
    told = identity(execution) | _attempt(attempt)
    return {**told, "data": decoded(data), "bytes": len(data)}


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
        "attempt": attempt_of(execution),
        "pod": status.pod_name,
        "pid": status.process.pid if status.process is not None else None,
        "pgid": status.process.pgid if status.process is not None else None,
        "exit_code": exit_code(execution),
        "outputBytes": status.output.bytes if status.output is not None else None,
        "session_id": spec.session.id if spec.session is not None else None,
    }


def _attempt(number: int) -> Fields:
    """The first one is told as the original told the only one."""
    return {"attempt": number} if number > 1 else {}


def _error(execution: ClaudeExecution) -> str | None:
    """What an exit code does not tell: a lost pod, a deadline, Claude's own error."""
    status = execution.status
    if status.phase is not Phase.FAILED or status.reason in _TOLD_BY_EXIT_CODE:
        return None
    return f"{status.reason}: {status.message}" if status.message else status.reason
