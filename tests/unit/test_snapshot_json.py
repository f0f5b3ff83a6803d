import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_api.snapshot import Snapshot as ReadSnapshot
from ccx_runner.snapshot import (
    ClaudeFacts,
    ControlFacts,
    MirrorFacts,
    OutputFacts,
    Snapshot,
    Usage,
)
from ccx_runner.snapshot_json import MIN_BYTES, to_json, to_object

SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
counts = st.integers(0, 2**53)
words = st.none() | st.text()
seconds = st.floats(0, 1e10)

snapshots = st.builds(
    Snapshot,
    state=st.sampled_from(["Starting", "Running", "Paused", "Ending", "Ended"]),
    generation=st.integers(0, 2**63 - 1),
    frozen_by=st.sampled_from([(), ("spec",), ("local", "spec")]),
    pid=st.none() | st.integers(1, 2**22),
    pgid=st.none() | st.integers(1, 2**22),
    started_at=seconds,
    active_seconds=seconds,
    paused_seconds=seconds,
    exit_code=st.none() | st.integers(-64, 255),
    ended_by=st.sampled_from([None, "RunnerFault"]),
    message=st.text(max_size=3000),
    control=st.none() | st.builds(ControlFacts, st.just("interrupt"), seconds, counts, counts),
    claude=st.none()
    | st.builds(
        ClaudeFacts,
        session_id=words,
        model=words,
        turns=counts,
        subtype=words,
        terminal_reason=words,
        api_status=st.none() | st.integers(100, 599),
        cost_usd=words,
        usage=st.builds(Usage, counts, counts, counts, counts),
        result_bytes=counts,
        result=st.text(max_size=3000),
    ),
    output=st.builds(
        OutputFacts, counts, counts, counts, st.just(SHA256), st.none() | counts, st.none() | counts
    ),
    mirror=st.builds(MirrorFacts, counts, st.just(SHA256)),
)


@given(snapshots, st.integers(MIN_BYTES, 4096))
def test_any_snapshot_fits_and_stays_json(snapshot: Snapshot, limit: int) -> None:
    line = to_json(snapshot, limit)
    assert len(line) <= limit
    assert b"\n" not in line
    told = json.loads(line)
    assert told["output"]["bytes"] == snapshot.output.bytes
    assert _heads_of(snapshot, told)


def _heads_of(snapshot: Snapshot, told: dict[str, Any]) -> bool:
    result = snapshot.claude.result if snapshot.claude else ""
    claude = told["claude"] or {"result": ""}
    return bool(
        _as_told(snapshot.message).startswith(told["message"])
        and _as_told(result).startswith(claude["result"])
        and (not claude["result"] or told["message"] == _as_told(snapshot.message))
    )


def _as_told(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def a_snapshot(**facts: Any) -> Snapshot:
    return Snapshot(state="Running", **facts)


def test_the_result_is_cut_before_the_message() -> None:
    snapshot = a_snapshot(message="m" * 300, claude=ClaudeFacts(result="é" * 512))
    told = json.loads(to_json(snapshot, MIN_BYTES))
    assert told["message"] == "m" * 300
    assert 0 < len(told["claude"]["result"]) < 512


def test_what_fits_is_not_cut_and_the_limit_is_used_to_the_last_character() -> None:
    snapshot = a_snapshot(claude=ClaudeFacts(result="x" * 1024))
    size = len(to_json(snapshot, 4096))
    assert json.loads(to_json(snapshot, size))["claude"]["result"] == "x" * 1024
    assert len(to_json(snapshot, size - 1)) == size - 1


def test_a_limit_that_nothing_fits_in_is_refused() -> None:
    with pytest.raises(ValueError, match="a snapshot of 100 bytes is too small: at least 1224"):
        to_json(a_snapshot(), 100)


@given(snapshots)
def test_the_operator_reads_what_the_runner_writes(snapshot: Snapshot) -> None:
    told = json.loads(to_json(snapshot, 100_000))
    read = ReadSnapshot.model_validate(told)
    assert json.loads(read.model_dump_json(by_alias=True)) == told


def test_every_field_of_the_contract_is_there() -> None:
    control, claude = ControlFacts("pause", 1764000000.5, 12, 3, 4.2, True), ClaudeFacts()
    assert to_object(a_snapshot(control=control, claude=claude)) == {
        "v": 1,
        "state": "Running",
        "generation": 0,
        "frozenBy": [],
        "pid": None,
        "pgid": None,
        "startedAt": None,
        "activeSeconds": 0.0,
        "pausedSeconds": 0.0,
        "exitCode": None,
        "endedBy": None,
        "stalled": False,
        "message": "",
        "control": {
            "action": "pause",
            "processesStopped": 12,
            "rounds": 3,
            "millis": 4.2,
            "at": 1764000000.5,
            "proven": True,
        },
        "claude": {
            "sessionID": None,
            "model": None,
            "turns": 0,
            "isError": None,
            "subtype": None,
            "terminalReason": None,
            "apiStatus": None,
            "costUSD": None,
            "usage": {
                "inputTokens": 0,
                "outputTokens": 0,
                "cacheReadTokens": 0,
                "cacheCreationTokens": 0,
            },
            "resultBytes": 0,
            "result": "",
            "restarts": 0,
            "cutOff": False,
        },
        "output": {
            "bytes": 0,
            "droppedBytes": 0,
            "lines": 0,
            "sha256": "",
            "firstMs": None,
            "archived": None,
        },
        "mirror": {"bytes": 0, "sha256": ""},
    }


def test_a_long_name_is_cut_only_where_room_is_short() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/anthropic.claude"
    snapshot = a_snapshot(claude=ClaudeFacts(model=arn, result="x" * 1024))
    assert json.loads(to_json(snapshot, 2048))["claude"]["model"] == arn
    endless = a_snapshot(claude=ClaudeFacts(model=arn * 100, result="x" * 1024))
    assert json.loads(to_json(endless, 2048))["claude"]["model"] == arn[:21]


def test_a_first_output_of_long_after_is_told_as_late_as_there_is_room_for() -> None:
    told = [to_object(a_snapshot(output=OutputFacts(first_ms=n)))["output"] for n in (5, 10**15)]
    assert told[0]["firstMs"] == 5
    assert told[1]["firstMs"] < 10**15


def test_without_claude_only_the_message_is_cut() -> None:
    told = json.loads(to_json(a_snapshot(message="m" * 9000), MIN_BYTES))
    assert told["claude"] is None
    assert 0 < len(told["message"]) < 9000
