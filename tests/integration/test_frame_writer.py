import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from socket import SHUT_RDWR

import aiohttp
import pytest
from aiohttp import web

from ccx_gateway.at_once import Sent
from ccx_gateway.frame_writer import WRITER_LIMIT, FrameWriter
from ccx_gateway.line_block import BLOCK, LineBlock
from ccx_gateway.text_frames import TextFrames, frame_header

MESSAGE = b"x" * 200
FRAMES = (frame_header(len(MESSAGE)) + MESSAGE) * (BLOCK // len(MESSAGE))
BLOCKS = 500
"""32 MB: more than the buffers of the system take in."""

A_BLOCK = LineBlock(FRAMES, MESSAGE, 1)
A_WRITE = len(FRAMES) + len(frame_header(len(MESSAGE))) + len(MESSAGE)
SAME_FRAMES = TextFrames(FRAMES + frame_header(len(MESSAGE)) + MESSAGE)

UPGRADE = (
    b"GET /bye HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
GOODBYE, MASKED_GOODBYE = b"\x88\x02\x03\xe8", b"\x88\x82\0\0\0\0\x03\xe8"
"""Code 1000."""


class Server:
    """To who connects it sends all blocks at /, all that goes at once at /at-once, and at /bye one
    after it has said goodbye.
    """

    def __init__(self, sends: LineBlock | TextFrames = A_BLOCK) -> None:
        self.sends = sends
        self.held = self.most_held = 0
        self.sent: list[Sent] = []
        self.stalled = asyncio.Event()
        self.ended: asyncio.Future[BaseException | None] = asyncio.Future()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(compress=False, writer_limit=WRITER_LIMIT)
        writer = FrameWriter(request, socket)
        await writer.prepare()
        try:
            if request.path == "/bye":
                await self._say_bye(socket, writer)
            elif request.path == "/at-once":
                self.sent = [writer.send_at_once(SAME_FRAMES) for _ in range(BLOCKS)]
                self.stalled.set()
                await writer.send(TextFrames(b""))
                self.sent.append(writer.send_at_once(SAME_FRAMES))
            else:
                await self._send_all(request, writer, self.sends)
        except ConnectionError as exc:
            self.ended.set_result(exc)
        else:
            self.ended.set_result(None)
        return socket

    async def _send_all(
        self, request: web.Request, writer: FrameWriter, frames: LineBlock | TextFrames
    ) -> None:
        transport = request.transport
        assert transport is not None
        for _ in range(BLOCKS):
            self.most_held = max(self.most_held, transport.get_write_buffer_size())
            sending = asyncio.ensure_future(writer.send(frames))
            await asyncio.sleep(0)
            self.held = transport.get_write_buffer_size()
            if self.held:
                self.stalled.set()
            await sending

    async def _say_bye(self, socket: web.WebSocketResponse, writer: FrameWriter) -> None:
        closing = asyncio.ensure_future(socket.close())
        await asyncio.sleep(0)
        try:
            await writer.send(A_BLOCK)
        finally:
            await closing


@asynccontextmanager
async def serving(
    sends: LineBlock | TextFrames = A_BLOCK,
) -> AsyncIterator[tuple[Server, int]]:
    """And its port."""
    server, app = Server(sends), web.Application()
    app.router.add_get("/", server.serve)
    app.router.add_get("/bye", server.serve)
    app.router.add_get("/at-once", server.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with asyncio.timeout(60):
            yield server, runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connected(
    sends: LineBlock | TextFrames = A_BLOCK, path: str = "/"
) -> AsyncIterator[tuple[Server, aiohttp.ClientWebSocketResponse]]:
    async with (
        serving(sends) as (server, port),
        aiohttp.ClientSession() as http,
        http.ws_connect(f"http://127.0.0.1:{port}{path}") as socket,
    ):
        yield server, socket


@pytest.mark.parametrize("sends", [A_BLOCK, SAME_FRAMES], ids=["lines", "chunks"])
async def test_for_a_client_that_does_not_read_a_write_and_no_more_is_held(
    sends: LineBlock | TextFrames,
) -> None:
    async with connected(sends) as (server, socket):
        await server.stalled.wait()
        for _ in range(1000):  # turns in which it could go on, if it did not wait
            await asyncio.sleep(0)
        assert 0 < server.held <= A_WRITE
        for _ in range(BLOCKS * (len(FRAMES) // (len(MESSAGE) + 4) + 1)):
            assert (await socket.receive()).data == MESSAGE.decode()
        assert await server.ended is None
        assert server.most_held == 0, "the next write waits until the system has the last one"


async def test_what_is_sent_at_once_is_held_by_one_that_does_not_read_once_and_then_no_more() -> (
    None
):
    async with connected(path="/at-once") as (server, socket):
        await server.stalled.wait()
        taken = server.sent.index(Sent.HELD)
        assert set(server.sent[:taken]) == {Sent.TAKEN}
        assert set(server.sent[taken + 1 :]) == {Sent.NOT}
        messages = len(FRAMES) // (len(MESSAGE) + len(frame_header(len(MESSAGE)))) + 1
        for _ in range((taken + 2) * messages):
            assert (await socket.receive()).data == MESSAGE.decode()
        assert await server.ended is None
        assert server.sent[-1] is not Sent.NOT, "all that was held has been taken"


async def test_who_is_gone_is_sent_nothing_more() -> None:
    async with connected() as (server, socket):
        await server.stalled.wait()
        socket.get_extra_info("socket").shutdown(SHUT_RDWR)
        assert isinstance(await server.ended, ConnectionError)


async def test_after_the_goodbye_not_a_byte_is_sent() -> None:
    """A client library stops at the goodbye: only the bytes tell what comes after it."""
    async with serving() as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(UPGRADE)
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(len(GOODBYE)) == GOODBYE
        writer.write(MASKED_GOODBYE)
        assert await reader.read() == b""
        assert isinstance(await server.ended, ConnectionError)
        writer.close()
