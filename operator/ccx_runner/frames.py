"""The frames of the link between a runner and its clients. Sans-IO; both sides use it.

    bytes -> Decoder.feed() -> frames          encode(frame) -> bytes

On the wire: type (1 byte), length of the payload (4 bytes, big endian), payload.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from ccx_runner.frame_encoding import encode, encode_output
from ccx_runner.frame_layout import HEADER, MAX_PAYLOAD, FrameError
from ccx_runner.frame_parsing import CLIENT_FRAMES, RUNNER_FRAMES
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

F = TypeVar("F")


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
            while len(self._data) - start >= HEADER.size:
                kind, length = HEADER.unpack_from(self._data, start)
                parser = self._parser(kind, length)
                end = start + HEADER.size + length
                if len(self._data) < end:
                    return
                with memoryview(self._data)[start + HEADER.size : end] as payload:
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
    return Decoder(CLIENT_FRAMES)


def runner_frames() -> "Decoder[RunnerFrame]":
    """Decode what the runner sends: the client's side of a link."""
    return Decoder(RUNNER_FRAMES)
