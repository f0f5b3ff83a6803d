"""Messages into one client's WebSocket: a frame to a write, or the frames of a LineBlock at once.

aiohttp writes frame by frame, which for short lines is four times the work. So all frames of a
block but the last go to its transport, and the last one by its own send_frame(), which also waits
while the client does not read.
"""

from typing import Final

from aiohttp import WSMsgType, web

from ccx_gateway.line_block import LineBlock
from ccx_gateway.output_mode import OutputMode

WRITER_LIMIT: Final[dict[OutputMode, int]] = {"chunks": 256 * 1024, "lines": 0}
"""Bytes that a socket sends before it looks whether the client reads. It does not see what goes
by the transport: for lines it looks every time, and at most that and a block are held."""


class FrameWriter:
    def __init__(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        """Of a socket that does not compress, with the WRITER_LIMIT of its mode."""
        self._request, self._socket = request, socket

    async def send(self, message: bytes | LineBlock) -> None:
        """Raise ConnectionError once the client is gone."""
        if isinstance(message, LineBlock):
            self._write(message.frames)
            message = message.last
        await self._socket.send_frame(message, WSMsgType.TEXT)

    def _write(self, frames: bytes) -> None:
        transport = self._request.transport
        if self._socket.closed or transport is None or transport.is_closing():
            raise ConnectionResetError("the client is gone")
        transport.write(frames)
