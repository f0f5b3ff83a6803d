"""A WebSocket client at the level of bytes: what it sends may be wrong, and it may leave anywhere.

RawSocket.open() -> send(bytes) -> Frames.feed() -> (opcode, payload)      every wait is bounded
"""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

WAIT_SECONDS = 60.0
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x37\xfa\x21\x3d"


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bytes | None = MASK
) -> bytes:
    """As a client sends it, unless something else is asked for."""
    first, masked = fin << 7 | rsv << 4 | opcode, 0x80 * (mask is not None)
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", first, masked | length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", first, masked | 126, length)
    else:
        head = struct.pack("!BBQ", first, masked | 127, length)
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))


def call(method: str, **params: Any) -> bytes:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    return frame(TEXT, json.dumps(body).encode())


class Frames:
    """A server's frames: each a whole message, not masked, and no longer than it need be."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        self._rest += data
        found = []
        while (read := self._one()) is not None:
            found.append(read)
        return found

    def _one(self) -> tuple[int, bytes] | None:
        rest = self._rest
        if len(rest) < 2:
            return None
        assert rest[0] & 0xF0 == 0x80, "a final frame without extensions"
        length, start = rest[1], 2
        assert length < 128, "a server does not mask"
        if length >= 126:
            start = 4 if length == 126 else 10
            if len(rest) < start:
                return None
            length = int.from_bytes(rest[2:start])
            assert length >= (126 if start == 4 else 1 << 16)
        if len(rest) < start + length:
            return None
        self._rest = rest[start + length :]
        return rest[0] & 0x0F, rest[start : start + length]


@dataclass
class RawSocket:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        async with asyncio.timeout(WAIT_SECONDS):
            await self.writer.drain()

    async def read(self, most: int = 65_536) -> bytes:
        """Nothing: the server has ended the connection."""
        async with asyncio.timeout(WAIT_SECONDS):
            try:
                return await self.reader.read(most)
            except ConnectionError:
                return b""

    async def until(self, opcode: int) -> list[tuple[int, bytes]]:
        """All frames up to the first of that kind, or to the end of the connection."""
        frames, found = Frames(), list[tuple[int, bytes]]()
        while not any(kind == opcode for kind, _ in found) and (data := await self.read()):
            found += frames.feed(data)
        return found


@asynccontextmanager
async def a_raw_socket(url: str, *, receive_buffer: int | None = None) -> AsyncIterator[RawSocket]:
    """That has been greeted. It leaves without a goodbye."""
    at = urlsplit(url)
    connection = socket.socket()
    connection.setblocking(False)
    if receive_buffer is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    async with asyncio.timeout(WAIT_SECONDS):
        await asyncio.get_running_loop().sock_connect(connection, (at.hostname, at.port))
        limit = receive_buffer or 65_536
        reader, writer = await asyncio.open_connection(sock=connection, limit=limit)
        path = f"{at.path}?{at.query}" if at.query else at.path
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: {at.netloc}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        try:
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 101 "), answer
            first, length = await reader.readexactly(2)
            size = length if length < 126 else int.from_bytes(await reader.readexactly(2))
            greeting = json.loads(await reader.readexactly(size))
            assert (first, greeting["method"]) == (0x81, "connected")
            yield_to = RawSocket(reader, writer)
        except BaseException:
            writer.transport.abort()
            raise
    try:
        yield yield_to
    finally:
        writer.transport.abort()
