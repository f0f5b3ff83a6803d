"""A frame of a link as bytes.

encode(frame) -> bytes          encode_output(output) -> head, data, head, data, ...
"""

import json

from ccx_runner.frame_layout import (
    CREDIT,
    GAP,
    HEADER,
    MAX_PAYLOAD,
    OUTPUT,
    OUTPUT_HEAD,
    FrameError,
)
from ccx_runner.frame_types import (
    MAX_OUTPUT,
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
    RunnerFrame,
    SnapshotFrame,
)


def encode(frame: ClientFrame | RunnerFrame) -> bytes:
    """Raise FrameError if the frame would be longer than MAX_PAYLOAD."""
    if isinstance(frame, Output):
        if len(frame.data) > MAX_OUTPUT:
            raise FrameError(f"OUTPUT: {len(frame.data)} bytes, at most {MAX_OUTPUT} are allowed")
        return b"".join(encode_output(frame))
    kind, payload = _payload(frame)
    if len(payload) > MAX_PAYLOAD:
        raise FrameError(f"{kind.name} of {len(payload)} bytes: at most {MAX_PAYLOAD} are allowed")
    return HEADER.pack(kind, len(payload)) + payload


def encode_output(output: Output) -> list[bytes | memoryview]:
    """As many frames as it takes, without a copy of the data: to be written one after the other."""
    data = memoryview(output.data)
    parts: list[bytes | memoryview] = []
    for start in range(0, len(data) or 1, MAX_OUTPUT):
        piece = data[start : start + MAX_OUTPUT]
        length, offset = OUTPUT.size + len(piece), output.offset + start
        parts.append(OUTPUT_HEAD.pack(FrameType.OUTPUT, length, offset, output.stream))
        parts.append(piece)
    return parts


def _payload(
    frame: ClientFrame | Gap | SnapshotFrame | Reply | End,
) -> tuple[FrameType, bytes]:
    match frame:
        case Gap():
            return FrameType.GAP, GAP.pack(frame.start, frame.end)
        case Credit():
            return FrameType.CREDIT, CREDIT.pack(frame.count)
        case SnapshotFrame():
            return FrameType.SNAPSHOT, _dumps(frame.snapshot)
        case Reply():
            return FrameType.REPLY, _dumps(_reply_object(frame))
        case End():
            return FrameType.END, _dumps({"offset": frame.offset})
        case Read():
            return FrameType.READ, _dumps(_read_object(frame))
        case Request():
            return FrameType(frame.verb), _dumps({"id": frame.id, **(frame.wish or {})})
        case Lease():
            return FrameType.LEASE, _dumps(_lease_object(frame))


def _read_object(read: Read) -> JsonObject:
    kept = {} if read.keep is None else {"keep": read.keep}
    return {"id": read.id, "offset": read.offset, **kept}


def _lease_object(lease: Lease) -> JsonObject:
    version = {} if lease.version is None else {"version": lease.version}
    return {"done": True, **version} if lease.done else version


def _reply_object(reply: Reply) -> JsonObject:
    told = {"error": reply.error, "offset": reply.offset, "snapshot": reply.snapshot}
    given = {key: value for key, value in told.items() if value is not None}
    return {"id": reply.id, "ok": reply.ok, **given}


def _dumps(value: JsonObject) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")  # a lone surrogate is not worth a link
