"""The channel protocol of pod exec over a WebSocket, versions 5 and 4. Sans-IO.

    message -> ExecChannel.receive() -> Stdout | Stderr | ExecStatus | None
    bytes -> ExecChannel.stdin() -> messages

One byte of channel number, then data. How an exec ended is what channel 3 says and nothing else:
after a non-zero exit the socket closes with 1006, after too much input with 1000 and no status.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import orjson

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
SPOKEN: Final = (V5, V4)
"""Here: version 5 can close stdin, version 4 cannot."""

OFFERED: Final = (V4,)
"""Nobody closes stdin alone. Where version 5 is offered, the API server (1.30 and later) takes each
message apart and makes it anew for the kubelet; else it copies bytes (KEP 4006, decision 28).
"""

MAX_INPUT: Final = 32 * 1024
"""Bytes of stdin in one message: a very long one ends the exec without a word."""

MAX_TEXT: Final = 1024
"""Characters of a status message that are kept."""


class Channel(IntEnum):
    STDIN = 0
    STDOUT = 1
    STDERR = 2
    ERROR = 3
    CLOSE = 255


@dataclass(frozen=True, slots=True)
class Stdout:
    data: memoryview
    """Of the message: who wants to keep it copies it."""


@dataclass(frozen=True, slots=True)
class Stderr:
    data: bytes


@dataclass(frozen=True, slots=True)
class ExecStatus:
    """How the exec ended."""

    exit_code: int | None
    """None if the command could not be run, or its end is not known."""

    message: str = ""


class ExecProtocolError(ValueError):
    """The server does not speak the channel protocol."""


class ExecChannel:
    def __init__(self, protocol: str | None) -> None:
        if protocol not in SPOKEN:
            raise ExecProtocolError(f"the server chose {protocol!r}, not one of {SPOKEN}")
        self._protocol = protocol

    def receive(self, message: object) -> Stdout | Stderr | ExecStatus | None:
        """None for what carries no news, such as the empty message with which an exec begins."""
        if not isinstance(message, bytes):
            raise ExecProtocolError("a text message: channels are binary")
        if len(message) < 2:
            return None
        match message[0]:
            case Channel.STDOUT:
                return Stdout(memoryview(message)[1:])
            case Channel.STDERR:
                return Stderr(message[1:])
            case Channel.ERROR:
                return read_status(message[1:])
            case Channel.CLOSE:
                return None  # one stream has ended; the status says when all is over
            case other:
                raise ExecProtocolError(f"message on channel {other}, which is not the server's")

    def stdin(self, data: bytes) -> Iterator[bytes]:
        """The messages that carry `data`."""
        for start in range(0, len(data), MAX_INPUT):
            yield bytes([Channel.STDIN]) + data[start : start + MAX_INPUT]

    def close_stdin(self) -> bytes | None:
        """None in version 4: there stdin ends with the socket."""
        return bytes([Channel.CLOSE, Channel.STDIN]) if self._protocol == V5 else None


def read_status(data: bytes) -> ExecStatus:
    """From the metav1.Status that ends an exec."""
    try:
        status: Any = orjson.loads(data)
    except orjson.JSONDecodeError:
        status = None
    if not isinstance(status, dict):
        return ExecStatus(None, data[: 4 * MAX_TEXT].decode("utf-8", "replace")[:MAX_TEXT])
    if status.get("status") == "Success":
        return ExecStatus(0)
    return ExecStatus(_exit_code(status), str(status.get("message") or "no message")[:MAX_TEXT])


def _exit_code(status: dict[str, Any]) -> int | None:
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    for cause in causes if isinstance(causes, list) else []:
        if isinstance(cause, dict) and cause.get("reason") == "ExitCode":
            code = str(cause.get("message"))
            return int(code) if code.isascii() and code.isdigit() else None
    return None
