"""The HTTP side: the WebSocket, and what probes, people and Prometheus ask.

/ws/mcp -> Door -> Socket      /health, /healthz, /livez, /readyz, /metrics: for everybody

The probes may have a port of their own beside, so that the other one need not be open to them.
"""

import asyncio
import time
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from typing import Final

from aiohttp import WSCloseCode, WSMsgType, web

from ccx_api.names import API_VERSION, PLURAL
from ccx_gateway import audit
from ccx_gateway.caller import Caller
from ccx_gateway.door import Door
from ccx_gateway.errors import SessionLimit
from ccx_gateway.frame_writer import WRITER_LIMIT, FrameWriter
from ccx_gateway.handshake import Refused, Upgrade, output_mode
from ccx_gateway.jsonrpc import dump, error_response
from ccx_gateway.output_mode import OutputMode
from ccx_gateway.services import Services
from ccx_gateway.session import Session
from ccx_gateway.socket import MAX_FRAME, Socket
from ccx_kube.errors import ApiError
from ccx_kube.objects import object_path
from ccx_kube.session import KubeSession

CLOSE_SECONDS: Final = 5.0
READY_SECONDS: Final = 2.0
READY_CACHED_SECONDS: Final = 2.0
"""How long an answer to "is the API server there" is good for, whoever asks."""


class Gateway:
    def __init__(
        self,
        session: KubeSession,
        door: Door,
        *,
        max_sessions: int,
        executions: int,
        output: OutputMode,
        client_seconds: float,
    ) -> None:
        """`output` is for a connection that does not say how it wants it."""
        self._client_seconds = client_seconds
        self._session, self._door = session, door
        self._max_sessions, self._executions = max_sessions, executions
        self._output: OutputMode = output
        self._sockets: set[Socket] = set()
        self._stopping = False
        self._began = time.monotonic()
        self._asked_at, self._is_ready = 0.0, False
        self._asking = asyncio.Lock()

    def __len__(self) -> int:
        """Sockets that are open."""
        return len(self._sockets)

    def app(self, services: Services) -> web.Application:
        app = self.probes(services)
        app.router.add_get("/ws/mcp", partial(self.serve, services))
        app.on_shutdown.append(self._shut_down)
        return app

    def probes(self, services: Services) -> web.Application:
        """They tell no name and no secret, and ask for no token."""
        app = web.Application()
        app.router.add_get("/health", partial(self.health, services.namespace))
        app.router.add_get("/healthz", _ok)
        app.router.add_get("/livez", _ok)
        app.router.add_get("/readyz", partial(self.ready, services.namespace))
        app.router.add_get("/metrics", partial(_metrics, services))
        return app

    async def serve(self, services: Services, request: web.Request) -> web.StreamResponse:
        peer = request.remote or ""
        try:
            caller = await self._door.admit(_upgrade(request))
            output = output_mode(request.query.getall("output", ()), self._output)
        except Refused as exc:
            audit.refused(audit.Who("", peer), exc.reason)
            body = {"error": exc.error, "message": str(exc)}
            return web.json_response(body, status=exc.status, headers=exc.headers)
        session = Session(executions=self._executions, output=output)
        return await self._serve(services, request, session, caller, peer)

    async def _serve(
        self,
        services: Services,
        request: web.Request,
        session: Session,
        caller: Caller,
        peer: str,
    ) -> web.StreamResponse:
        socket = web.WebSocketResponse(
            max_msg_size=MAX_FRAME,
            autoping=False,
            compress=False,
            timeout=CLOSE_SECONDS,
            writer_limit=WRITER_LIMIT,
        )
        if len(self._sockets) >= self._max_sessions or self._stopping:
            services.metrics.connected("full")
            await socket.prepare(request)
            return await _refuse(socket)
        writer = FrameWriter(request, socket)
        served = Socket(
            *(socket, writer, services, session, caller, peer),
            client_seconds=self._client_seconds,
        )
        self._sockets.add(served)
        services.metrics.connected("served")
        try:
            await writer.prepare()
            await served.serve()
        finally:
            self._sockets.discard(served)
            writer.abort()  # it is closed: what is not taken by now would stay for ever
            if not self._stopping:  # our own end is not the client's: another replica takes over
                for session_id in session.ids:
                    services.keeper.closed(session_id, session.id)
        return socket

    async def health(self, namespace: str, _: web.Request) -> web.Response:
        """The original's fields; healthy only if executions can be made."""
        ready = await self._can_reach_cluster(namespace)
        body = {
            "status": "healthy" if ready else "unhealthy",
            "service": "cc-executor",
            "version": version("cc-executor"),
            "active_sessions": len(self._sockets),
            "max_sessions": self._max_sessions,
            "uptime_seconds": round(time.monotonic() - self._began, 3),
        }
        return web.json_response(body, status=200 if ready else 503)

    async def ready(self, namespace: str, _: web.Request) -> web.Response:
        if self._stopping or not await self._can_reach_cluster(namespace):
            return web.json_response({"status": "not ready"}, status=503)
        return web.json_response({"status": "ok"})

    async def _can_reach_cluster(self, namespace: str) -> bool:
        """The API server serves our executions there: elsewhere we may have no right."""
        async with self._asking:
            if time.monotonic() >= self._asked_at + READY_CACHED_SECONDS:
                self._is_ready = await self._ask_cluster(namespace)
                self._asked_at = time.monotonic()
            return self._is_ready

    async def _ask_cluster(self, namespace: str) -> bool:
        path = object_path(f"/apis/{API_VERSION}", namespace, PLURAL)
        with suppress(ApiError, TimeoutError):
            async with asyncio.timeout(READY_SECONDS):
                await self._session.request("GET", path, params=[("limit", "1")])
                return True
        return False

    async def _shut_down(self, _: web.Application) -> None:
        self._stopping = True
        closing = [socket.close(WSCloseCode.GOING_AWAY) for socket in self._sockets]
        await asyncio.gather(*closing)


def _upgrade(request: web.Request) -> Upgrade:
    return Upgrade(
        authorization=tuple(request.headers.getall("Authorization", ())),
        query=tuple(request.query),
        origin=request.headers.get("Origin"),
        host=request.host,
    )


async def _refuse(socket: web.WebSocketResponse) -> web.StreamResponse:
    error = error_response(None, SessionLimit("Session limit exceeded"))
    await socket.send_frame(dump(error), WSMsgType.TEXT)
    await socket.close(code=WSCloseCode.POLICY_VIOLATION)
    return socket


async def _ok(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def _metrics(services: Services, _: web.Request) -> web.Response:
    page = services.metrics.page()
    return web.Response(body=page, headers={"Content-Type": "text/plain; version=0.0.4"})
