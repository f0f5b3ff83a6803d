"""A real HTTP server that answers as it is told, and speaks the channel protocol of exec."""

import asyncio
import json
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from ccx_runner.frames import ClientFrame, Lease, RunnerFrame, client_frames, encode

MAX_MESSAGE = 32 * 1024
"""Bytes of data in a message of a real API server."""


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    params: tuple[tuple[str, str], ...]
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)


class ExecEnd:
    """The API server's and runner's end of one exec."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._socket, self._request = socket, request
        self._decoder = client_frames()
        self._frames = deque[ClientFrame]()

    async def write(self, data: bytes, channel: int = 1) -> None:
        for start in range(0, len(data), MAX_MESSAGE):
            await self._socket.send_bytes(bytes([channel]) + data[start : start + MAX_MESSAGE])

    async def send(self, *frames: RunnerFrame) -> None:
        await self.write(b"".join(encode(frame) for frame in frames))

    async def stdin(self) -> bytes:
        """The next piece; ConnectionError if the client has gone."""
        while True:
            message = await self._socket.receive()
            if message.type is not WSMsgType.BINARY:
                raise ConnectionError
            if message.data[:1] == b"\x00":
                data: bytes = message.data[1:]
                return data

    async def frame(self) -> ClientFrame:
        """The client's next one; ConnectionError if it has gone."""
        while not self._frames:
            self._frames.extend(self._decoder.feed(await self.stdin()))
        return self._frames.popleft()

    async def request(self) -> Any:
        """The client's next frame that is not a heartbeat."""
        while isinstance(frame := await self.frame(), Lease):
            pass
        return frame

    async def exit(self, code: int, stderr: str = "") -> None:
        await self.write(stderr.encode(), channel=2)
        await self.write(json.dumps(a_status(code)).encode(), channel=3)

    def drop(self) -> None:
        """As when the network or the API server fails: no close, no status."""
        transport = self._request.transport
        assert transport is not None
        transport.abort()


def a_status(code: int) -> dict[str, Any]:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


class ApiServer:
    def __init__(self, url: str = "") -> None:
        self.url = url
        self.seen: list[Seen] = []
        self.answers = deque[Answer]()
        self.protocols: tuple[str, ...] = ("v5.channel.k8s.io", "v4.channel.k8s.io")
        self.run: Callable[[ExecEnd], Awaitable[None]] | None = None
        """What an exec does; it ends with it."""
        self.stream: Callable[[web.StreamResponse], Awaitable[None]] | None = None
        """What paths that end in /log write."""

    def answer(
        self, status: int = 200, body: object = None, headers: dict[str, str] | None = None
    ) -> None:
        """The next request's answer; without one it is an empty object."""
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        self.answers.append(Answer(status, data, headers or {}))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        seen = Seen(
            request.method,
            request.path,
            tuple(request.query.items()),
            dict(request.headers),
            json.loads(body) if body else None,
        )
        self.seen.append(seen)
        if self.answers:
            answer = self.answers.popleft()
            return web.Response(status=answer.status, body=answer.body, headers=answer.headers)
        if request.path.endswith("/exec"):
            return await self._exec(request)
        if self.stream is not None and request.path.endswith("/log"):
            response = web.StreamResponse()
            await response.prepare(request)
            await self.stream(response)
            return response
        return web.json_response({})

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=self.protocols, timeout=0.1)
        await socket.prepare(request)
        await socket.send_bytes(b"\x01")  # as real ones begin
        assert self.run is not None
        try:
            await self.run(ExecEnd(socket, request))
        except ConnectionError:
            pass  # the client has gone
        await socket.close(code=1006 if socket.closed else 1000)
        return socket


@asynccontextmanager
async def running_api_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[ApiServer]:
    server = ApiServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        port = runner.addresses[0][1]
        server.url = f"http{'s' if tls else ''}://127.0.0.1:{port}"
        yield server
        assert runner.server is not None
        async with asyncio.timeout(60):
            while runner.server.connections:  # noqa: ASYNC110 - it tells nobody; a leak if it stays
                await asyncio.sleep(0)
    finally:
        await runner.cleanup()


def a_kubeconfig(
    folder: Path,
    server: str,
    *,
    user: dict[str, Any] | None = None,
    cluster: dict[str, Any] | None = None,
    namespace: str | None = None,
) -> str:
    """Its path. Without a user nothing of authentication is in it, as for http on loopback."""
    context = {"cluster": "c", **({"user": "u"} if user else {})}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": server, **(cluster or {})}}],
        "contexts": [
            {"name": "x", "context": context | ({"namespace": namespace} if namespace else {})}
        ],
        "users": [{"name": "u", "user": user}] if user else [],
        "current-context": "x",
    }
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config), encoding="utf-8")
    return str(path)
