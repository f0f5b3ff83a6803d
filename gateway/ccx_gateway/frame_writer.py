"""Messages into one client's WebSocket: a frame to a write, or the frames of a LineBlock at once.

aiohttp writes frame by frame, which for short lines is four times the work. So all frames of a
block but the last go to its transport, and the last one by its own send_frame(); then we wait
while the client does not read.
"""

from typing import Final

from aiohttp import WSMsgType, web
from aiohttp.abc import AbstractStreamWriter

from ccx_gateway.line_block import LineBlock

WRITER_LIMIT: Final = 256 * 1024
"""Bytes that a socket sends before it looks whether the client reads. It does not see what goes
by the transport: after a block we look ourselves, so that at most that and a block are held."""


class FrameWriter:
    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        """Of a socket that does not compress, with our WRITER_LIMIT."""
        self._request, self._socket = request, socket
        self._stream: AbstractStreamWriter | None = None

    async def prepare(self) -> None:
        """Answer the upgrade request."""
        self._stream = await self._socket.prepare(self._request)

    async def send(self, message: bytes | LineBlock) -> None:
        """Raise ConnectionError once the client is gone."""
        if not isinstance(message, LineBlock):
            await self._socket.send_frame(message, WSMsgType.TEXT)
            return
        self._write(message.frames)
        await self._socket.send_frame(message.last, WSMsgType.TEXT)
        if self._stream is not None:
            await self._stream.drain()

    def abort(self) -> None:
        """End the connection, and forget what the client has not taken."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def _write(self, frames: bytes) -> None:
        transport = self._request.transport
        if self._socket.closed or transport is None or transport.is_closing():
            raise ConnectionResetError("the client is gone")
        transport.write(frames)
