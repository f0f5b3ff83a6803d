"""A snapshot as one bounded JSON object: what the termination log and the links carry. Pure.

Snapshot -> fit(limit) -> to_object() | to_json()
"""

import json
from dataclasses import replace
from typing import Any, Final

from ccx_runner.greeting import FIRST
from ccx_runner.snapshot import ClaudeFacts, ControlFacts, Snapshot

MIN_BYTES: Final = 1224
"""Any snapshot fits in this once its texts are cut; 10 containers of a pod get 1228 each."""

_NAME_BYTES: Final = 21
"""Of a word that the process itself has said, where room is short."""

_SESSION_BYTES: Final = 36
"""The whole of a session id: it is needed to resume."""

_MOST_ROUNDS: Final = 9_999
_MOST_PROCESSES: Final = 9_999_999
_LATEST_FIRST: Final = 999_999_999
"""Where a count ends, as each digit must have its room: past what Linux and a freeze can do."""


def to_object(snapshot: Snapshot) -> dict[str, Any]:
    """As in the contract: every field is there, absent facts are null."""
    return {
        "v": FIRST,  # nobody answers a file: a link says in the end which version it speaks
        "state": snapshot.state,
        "generation": snapshot.generation,
        "frozenBy": list(snapshot.frozen_by),
        "pid": snapshot.pid,
        "pgid": snapshot.pgid,
        "startedAt": _rounded(snapshot.started_at),
        "activeSeconds": _rounded(snapshot.active_seconds),
        "pausedSeconds": _rounded(snapshot.paused_seconds),
        "exitCode": snapshot.exit_code,
        "endedBy": snapshot.ended_by,
        "stalled": snapshot.stalled,
        "message": snapshot.message,
        "control": _control(snapshot.control),
        "claude": _claude(snapshot.claude),
        "output": {
            "bytes": snapshot.output.bytes,
            "droppedBytes": snapshot.output.dropped_bytes,
            "lines": snapshot.output.lines,
            "sha256": snapshot.output.sha256,
            "firstMs": _first(snapshot.output.first_ms),
            "archived": snapshot.output.archived,
        },
        "mirror": {"bytes": snapshot.mirror.bytes, "sha256": snapshot.mirror.sha256},
    }


def to_json(snapshot: Snapshot, limit: int) -> bytes:
    """One line without its newline, at most `limit` bytes: the result is cut first."""
    return _dumps(to_object(fit(snapshot, limit)))


def fit(snapshot: Snapshot, limit: int) -> Snapshot:
    """Cut result, then message, then names, until the JSON takes at most `limit` bytes."""
    if limit < MIN_BYTES:
        raise ValueError(f"a snapshot of {limit} bytes is too small: at least {MIN_BYTES}")
    for cut in (_cut_result, _cut_message, _cut_names):
        excess = len(_dumps(to_object(snapshot))) - limit
        if excess <= 0:
            break
        snapshot = cut(snapshot, excess)
    return snapshot


def _cut_result(snapshot: Snapshot, excess: int) -> Snapshot:
    claude = snapshot.claude
    if claude is None:
        return snapshot
    result = _cut(claude.result, json_size(claude.result) - excess)
    return replace(snapshot, claude=replace(claude, result=result))


def _cut_message(snapshot: Snapshot, excess: int) -> Snapshot:
    return replace(snapshot, message=_cut(snapshot.message, json_size(snapshot.message) - excess))


def _cut_names(snapshot: Snapshot, _excess: int) -> Snapshot:
    """These words are the process's own, of any length."""

    def short(name: str | None, most: int = _NAME_BYTES) -> str | None:
        return None if name is None else _cut(name, most)

    claude = snapshot.claude
    if claude is None:
        return snapshot
    claude = replace(
        claude,
        session_id=short(claude.session_id, _SESSION_BYTES),
        model=short(claude.model),
        subtype=short(claude.subtype),
        terminal_reason=short(claude.terminal_reason),
        cost_usd=short(claude.cost_usd),
    )
    return replace(snapshot, claude=claude)


def json_size(text: str) -> int:
    """Bytes of the text inside a JSON string, without the quotes."""
    return len(_dumps(text)) - 2


def _cut(text: str, max_bytes: int) -> str:
    """The longest head that takes at most `max_bytes` inside a JSON string, in whole characters."""
    fitting, too_long = 0, len(text) + 1
    while too_long - fitting > 1:
        middle = (fitting + too_long) // 2
        if json_size(text[:middle]) <= max_bytes:
            fitting = middle
        else:
            too_long = middle
    return text[:fitting]


def _control(control: ControlFacts | None) -> dict[str, Any] | None:
    if control is None:
        return None
    return {
        "action": control.action,
        "processesStopped": min(control.processes_stopped, _MOST_PROCESSES),
        "rounds": min(control.rounds, _MOST_ROUNDS),
        "millis": _rounded(control.millis),
        "at": _rounded(control.at),
        "proven": control.proven,
    }


def _claude(claude: ClaudeFacts | None) -> dict[str, Any] | None:
    if claude is None:
        return None
    return {
        "sessionID": claude.session_id,
        "model": claude.model,
        "turns": claude.turns,
        "isError": claude.is_error,
        "subtype": claude.subtype,
        "terminalReason": claude.terminal_reason,
        "apiStatus": claude.api_status,
        "costUSD": claude.cost_usd,
        "usage": {
            "inputTokens": claude.usage.input_tokens,
            "outputTokens": claude.usage.output_tokens,
            "cacheReadTokens": claude.usage.cache_read_tokens,
            "cacheCreationTokens": claude.usage.cache_creation_tokens,
        },
        "resultBytes": claude.result_bytes,
        "result": claude.result,
        "restarts": claude.restarts,
        "cutOff": claude.cut_off,
    }


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)


def _first(millis: int | None) -> int | None:
    return None if millis is None else min(millis, _LATEST_FIRST)


def _dumps(value: object) -> bytes:
    """UTF-8; a lone surrogate, which UTF-8 cannot say, becomes a question mark."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace")
