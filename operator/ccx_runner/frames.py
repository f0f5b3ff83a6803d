"""The frames of the link between a runner and its clients. Sans-IO; both sides use it.

    bytes -> Decoder.feed() -> frames          encode(frame) -> bytes

On the wire: type (1 byte), length of the payload (4 bytes, big endian), payload.
"""

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Final, Generic, TypeVar

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
    RequestID,
    RunnerFrame,
    SnapshotFrame,
    Stream,
    Verb,
)
from ccx_runner.greeting import Greeting, agreed, disagreement

__all__ = [
    "MAX_OUTPUT",
    "MAX_PAYLOAD",
    "ClientFrame",
    "Credit",
    "Decoder",
    "End",
    "FrameError",
    "FrameType",
    "Gap",
    "Greeting",
    "JsonObject",
    "Lease",
    "Output",
    "Read",
    "Reply",
    "Request",
    "RequestID",
    "RunnerFrame",
    "SnapshotFrame",
    "Stream",
    "Verb",
    "agreed",
    "client_frames",
    "disagreement",
    "encode",
    "encode_output",
    "runner_frames",
]

MAX_PAYLOAD: Final = MAX_OUTPUT + 16
MAX_NUMBER: Final = 2**64 - 1
MAX_ID: Final = 128
"""Characters of a request's id: its reply must fit into a frame."""


class FrameError(ValueError):
    """The peer does not keep to the protocol; its link ends."""


F = TypeVar("F")

_HEADER = struct.Struct(">BI")
_OUTPUT = struct.Struct(">QB")
_OUTPUT_HEAD = struct.Struct(">BIQB")
_GAP = struct.Struct(">QQ")
_CREDIT = struct.Struct(">Q")


def encode(frame: ClientFrame | RunnerFrame) -> bytes:
    """Raise FrameError if the frame would be longer than MAX_PAYLOAD."""
    if isinstance(frame, Output):
        return b"".join(encode_output(frame))
    kind, payload = _payload(frame)
    if len(payload) > MAX_PAYLOAD:
        raise FrameError(f"{kind.name} of {len(payload)} bytes: at most {MAX_PAYLOAD} are allowed")
    return _HEADER.pack(kind, len(payload)) + payload


def encode_output(output: Output) -> tuple[bytes, bytes]:
    """What encode() says, without a copy of the data: to be written one after the other."""
    length = _OUTPUT.size + len(output.data)
    if length > MAX_PAYLOAD:
        raise FrameError(f"OUTPUT of {length} bytes: at most {MAX_PAYLOAD} are allowed")
    head = _OUTPUT_HEAD.pack(FrameType.OUTPUT, length, output.offset, output.stream)
    return head, output.data


def _payload(
    frame: ClientFrame | Gap | SnapshotFrame | Reply | End,
) -> tuple[FrameType, bytes]:
    match frame:
        case Gap():
            return FrameType.GAP, _GAP.pack(frame.start, frame.end)
        case Credit():
            return FrameType.CREDIT, _CREDIT.pack(frame.count)
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


class Decoder(Generic[F]):
    """Holds at most one incomplete frame. After a FrameError it must not be fed again."""

    def __init__(self, parsers: Mapping[int, Callable[[memoryview], F]]) -> None:
        self._parsers = parsers
        self._data = bytearray()

    def feed(self, data: bytes | memoryview) -> Iterator[F]:
        """Whole frames, in order; a FrameError comes after the good frames before it."""
        self._data += data
        return self._frames()

    def _frames(self) -> Iterator[F]:
        start = 0
        try:
            while len(self._data) - start >= _HEADER.size:
                kind, length = _HEADER.unpack_from(self._data, start)
                parser = self._parser(kind, length)
                end = start + _HEADER.size + length
                if len(self._data) < end:
                    return
                with memoryview(self._data)[start + _HEADER.size : end] as payload:
                    start = end
                    frame = parser(payload)
                yield frame
        finally:
            del self._data[:start]

    def _parser(self, kind: int, length: int) -> Callable[[memoryview], F]:
        parser = self._parsers.get(kind)
        if parser is None:
            known = ", ".join(f"0x{k:02x}" for k in self._parsers)
            raise FrameError(f"frame type 0x{kind:02x} is not one of {known}")
        if length > MAX_PAYLOAD:
            raise FrameError(f"frame of {length} bytes: at most {MAX_PAYLOAD} are allowed")
        return parser


def client_frames() -> "Decoder[ClientFrame]":
    """Decode what a client sends: the runner's side of a link."""
    return Decoder(
        {
            FrameType.READ: _read,
            FrameType.CREDIT: _credit,
            FrameType.LEASE: _lease,
            **{int(verb): _request_parser(verb) for verb in Verb},
        }
    )


def runner_frames() -> "Decoder[RunnerFrame]":
    """Decode what the runner sends: the client's side of a link."""
    return Decoder(
        {
            FrameType.OUTPUT: _output,
            FrameType.GAP: _gap,
            FrameType.SNAPSHOT: lambda payload: SnapshotFrame(_object("SNAPSHOT", payload)),
            FrameType.REPLY: _reply,
            FrameType.END: lambda payload: End(_number("END", _object("END", payload), "offset")),
        }
    )


def _read(payload: memoryview) -> ClientFrame:
    said = _object("READ", payload)
    keep = _number("READ", said, "keep") if "keep" in said else None
    return Read(_id("READ", said), _number("READ", said, "offset"), keep)


def _credit(payload: memoryview) -> ClientFrame:
    (count,) = _unpack("CREDIT", _CREDIT, payload)
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
    if len(payload) < _OUTPUT.size:
        raise FrameError(f"OUTPUT of {len(payload)} bytes: {_OUTPUT.size} are wanted")
    offset, stream = _OUTPUT.unpack_from(payload)
    if stream not in (1, 2):
        raise FrameError(f"OUTPUT: stream {stream} is neither 1 (stdout) nor 2 (stderr)")
    return Output(offset, Stream(stream), bytes(payload[_OUTPUT.size :]))


def _gap(payload: memoryview) -> RunnerFrame:
    start, end = _unpack("GAP", _GAP, payload)
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
