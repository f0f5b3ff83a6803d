"""Messages into one client's WebSocket: a write each, or many lines to a write.

TextFrames, LineBlock -> the socket's transport -> wait until the system has taken it
answers, notifications -> aiohttp's send_frame()

aiohttp's own writer makes a header anew for each client, sends it by itself, and writes line by
line: for output that is two to four times the work.
"""

import asyncio
from typing import Final

from aiohttp import WSMsgType, web
from aiohttp.abc import AbstractStreamWriter

from ccx_gateway.at_once import Sent
from ccx_gateway.line_block import LineBlock
from ccx_gateway.outbox import Message
from ccx_gateway.text_frames import TextFrames, frame_header

WRITER_LIMIT: Final = 0
"""Bytes that a socket sends before it looks whether the client reads: it looks every time."""


class FrameWriter:
    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        """Of a socket that does not compress, with our WRITER_LIMIT."""
        self._request, self._socket = request, socket
        self._transport: asyncio.Transport | None = None
        self._stream: AbstractStreamWriter | None = None

    async def prepare(self) -> None:
        """Answer the upgrade request."""
        self._stream = await self._socket.prepare(self._request)
        self._transport = self._request.transport
        if self._transport is not None:  # what the system has not taken is waited for
            self._transport.set_write_buffer_limits(0)

    async def send(self, message: Message) -> None:
        """Raise ConnectionError once the client is gone.

        What is held for one that does not read is a message for each that speaks to it.
        """
        if isinstance(message, TextFrames):
            frames = message.data
        elif isinstance(message, LineBlock):
            last = message.last
            frames = b"".join((message.frames, frame_header(len(last)), last))
        else:
            await self._socket.send_frame(message, WSMsgType.TEXT)
            return
        transport = self._transport
        if transport is None or self._socket.closed or transport.is_closing():
            raise ConnectionResetError("the client is gone")
        # Of bytes the transport would copy what is left of them twice.
        transport.write(memoryview(frames))
        if transport.get_write_buffer_size() and self._stream is not None:
            await self._stream.drain()

    def send_at_once(self, message: TextFrames) -> Sent:
        transport = self._transport
        if transport is None or self._socket.closed or transport.is_closing():
            return Sent.NOT
        if transport.get_write_buffer_size():
            return Sent.NOT
        transport.write(memoryview(message.data))
        return Sent.HELD if transport.get_write_buffer_size() else Sent.TAKEN

    def abort(self) -> None:
        """End the connection, and forget what the client has not taken."""
        if self._request.transport is not None:
            self._request.transport.abort()
