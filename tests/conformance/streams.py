"""What has no end by itself: a watch's events, an exec's frames."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

EVENT_SECONDS: Final = 60.0
LARGEST_MESSAGE: Final = 64 * 1024 * 1024


class Watch:
    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    async def next(self) -> tuple[str, Any]:
        """(type, object); ("", None) at the end."""
        async with asyncio.timeout(EVENT_SECONDS):
            line = await self._content.readline()
        if not line:
            return "", None
        event = json.loads(line)
        return event["type"], event["object"]

    async def names(self, count: int) -> list[tuple[str, str]]:
        return [(kind, obj["metadata"]["name"]) for kind, obj in await self.take(count)]

    async def take(self, count: int) -> list[tuple[str, Any]]:
        return [await self.next() for _ in range(count)]


@dataclass
class Exec:
    socket: aiohttp.ClientWebSocketResponse
    output: dict[int, bytes] = field(default_factory=lambda: {1: b"", 2: b""})
    ended: list[int] = field(default_factory=list)
    """The streams of which a CLOSE message has come."""

    async def send(self, data: bytes) -> None:
        await self.socket.send_bytes(b"\x00" + data)

    async def end_stdin(self) -> None:
        await self.socket.send_bytes(b"\xff\x00")

    async def next(self) -> bytes:
        async with asyncio.timeout(EVENT_SECONDS):
            message = await self.socket.receive()
        assert message.type is aiohttp.WSMsgType.BINARY, message
        data: bytes = message.data
        return data

    async def until_output(self, wanted: bytes) -> None:
        while wanted not in self.output[1]:
            self._take(await self.next())

    async def status(self) -> Any:
        """The Status with which it ends."""
        while (message := await self.next())[0] != 3:
            self._take(message)
        return json.loads(message[1:])

    async def end(self) -> str:
        """Nothing comes after the Status. With which code it closes is a matter of luck."""
        async with asyncio.timeout(EVENT_SECONDS):
            message = await self.socket.receive()
        assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED), message
        assert self.socket.close_code in (1000, 1006)
        return "closed"

    def _take(self, message: bytes) -> None:
        if message[0] == 255:
            self.ended.append(message[1])
        else:
            self.output[message[0]] += message[1:]


@asynccontextmanager
async def opened_exec(
    http: aiohttp.ClientSession,
    url: str,
    params: Sequence[tuple[str, str]],
    headers: Mapping[str, str],
    protocol: str,
) -> AsyncIterator[Exec]:
    async with http.ws_connect(
        url, params=params, headers=headers, protocols=(protocol,), max_msg_size=LARGEST_MESSAGE
    ) as socket:
        yield Exec(socket)
