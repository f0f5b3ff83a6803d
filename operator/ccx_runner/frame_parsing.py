"""The payload of a frame of a link as a value, or a FrameError that names what is wrong with it."""

import json
import struct
from collections.abc import Callable, Mapping
from typing import Final

from ccx_runner.frame_layout import CREDIT, GAP, MAX_ID, MAX_NUMBER, OUTPUT, FrameError
from ccx_runner.frame_types import (
    ClientFrame,
    Credit,
    End,
    FrameType,
    Gap,
    JsonObject,
    Lease,
    Output,
    Read,
    Reply,
    Request,
    RequestID,
    RunnerFrame,
    SnapshotFrame,
    Stream,
    Verb,
)


def _read(payload: memoryview) -> ClientFrame:
    said = _object("READ", payload)
    keep = _number("READ", said, "keep") if "keep" in said else None
    return Read(_id("READ", said), _number("READ", said, "offset"), keep)


def _credit(payload: memoryview) -> ClientFrame:
    (count,) = _unpack("CREDIT", CREDIT, payload)
    return Credit(count)


def _lease(payload: memoryview) -> ClientFrame:
    said = _object("LEASE", payload)
    version = _number("LEASE", said, "version") if "version" in said else None
    return Lease(done=said.get("done") is True, version=version)


def _request_parser(verb: Verb) -> Callable[[memoryview], ClientFrame]:
    def parse(payload: memoryview) -> ClientFrame:
        said = _object(verb.name, payload)
        wish = {key: value for key, value in said.items() if key != "id"}
        return Request(verb, _id(verb.name, said), wish or None)

    return parse


def _output(payload: memoryview) -> RunnerFrame:
    if len(payload) < OUTPUT.size:
        raise FrameError(f"OUTPUT of {len(payload)} bytes: {OUTPUT.size} are wanted")
    offset, stream = OUTPUT.unpack_from(payload)
    if stream not in (1, 2):
        raise FrameError(f"OUTPUT: stream {stream} is neither 1 (stdout) nor 2 (stderr)")
    return Output(offset, Stream(stream), bytes(payload[OUTPUT.size :]))


def _gap(payload: memoryview) -> RunnerFrame:
    start, end = _unpack("GAP", GAP, payload)
    if end <= start:
        raise FrameError(f"GAP: {start} to {end} is empty")
    return Gap(start, end)


def _reply(payload: memoryview) -> RunnerFrame:
    said = _object("REPLY", payload)
    request_id = None if said.get("id") is None else _id("REPLY", said)
    if said.get("ok") is not True:
        return Reply(request_id, error=str(said.get("error", "refused without a reason")))
    offset = _number("REPLY", said, "offset") if "offset" in said else None
    snapshot = said.get("snapshot")
    snapshot = snapshot if isinstance(snapshot, dict) else None
    return Reply(request_id, offset=offset, snapshot=snapshot)


def _unpack(what: str, layout: struct.Struct, payload: memoryview) -> tuple[int, ...]:
    if len(payload) != layout.size:
        raise FrameError(f"{what} of {len(payload)} bytes: {layout.size} are wanted")
    return layout.unpack(payload)


def _object(what: str, payload: memoryview) -> JsonObject:
    try:
        value = json.loads(bytes(payload))
    except (ValueError, RecursionError):
        raise FrameError(f"{what}: the payload is not JSON") from None  # it may hold a secret
    if not isinstance(value, dict):
        raise FrameError(f"{what}: the payload is not a JSON object")
    return value


def _id(what: str, said: JsonObject) -> RequestID:
    value = said.get("id")
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise FrameError(f"{what}: id must be a string or an integer")
    if len(value) > MAX_ID if isinstance(value, str) else abs(value) > MAX_NUMBER:
        raise FrameError(f"{what}: id is too long: at most {MAX_ID} characters, or 64 bits")
    return value


def _number(what: str, said: JsonObject, field: str) -> int:
    value = said.get(field)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_NUMBER:
        raise FrameError(f"{what}: {field} must be an integer from 0 to 2**64 - 1")
    return value


CLIENT_FRAMES: Final[Mapping[int, Callable[[memoryview], ClientFrame]]] = {
    FrameType.READ: _read,
    FrameType.CREDIT: _credit,
    FrameType.LEASE: _lease,
    **{int(verb): _request_parser(verb) for verb in Verb},
}
RUNNER_FRAMES: Final[Mapping[int, Callable[[memoryview], RunnerFrame]]] = {
    FrameType.OUTPUT: _output,
    FrameType.GAP: _gap,
    FrameType.SNAPSHOT: lambda payload: SnapshotFrame(_object("SNAPSHOT", payload)),
    FrameType.REPLY: _reply,
    FrameType.END: lambda payload: End(_number("END", _object("END", payload), "offset")),
}
