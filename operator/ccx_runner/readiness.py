"""Answer the kubelet's readiness probe: GET /ready is 200 while the process runs freely, else 503.

That is how the operator learns of a change without a link: the pod's Ready condition.
"""

import asyncio
import socket
from collections.abc import Callable

MAX_REQUEST_BYTES = 4096
MAX_SECONDS = 2.0
MAX_CONNECTIONS = 16
"""The kubelet needs one. The port is open to the agent, and in most clusters to other pods."""


class Readiness:
    """One answer a connection."""

    def __init__(self, is_ready: Callable[[], bool]) -> None:
        self._is_ready = is_ready
        self._open = set[_Connection]()
        self._server: asyncio.Server | None = None

    async def serve(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _Connection(self._is_ready, self._open), sock=listener
        )

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._open):
            connection.abort()


def bind(address: str, port: int) -> socket.socket:
    """Before the agent can take the port. By hand: asyncio would look the address up in a thread.

    Raises OSError.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(MAX_CONNECTIONS)
    except OSError as exc:
        listener.close()
        raise OSError(exc.errno, f"{address}:{port}: {exc.strerror}") from exc
    return listener


def answer(request: bytes, *, is_ready: bool) -> bytes:
    """`request` is the head, of which the first line counts."""
    method, _, rest = request.partition(b"\r\n")[0].partition(b" ")
    path = rest.partition(b" ")[0]
    if method not in (b"GET", b"HEAD"):
        status, text = "405 Method Not Allowed", "use GET\n"
    elif path != b"/ready":
        status, text = "404 Not Found", "there is only /ready\n"
    elif is_ready:
        status, text = "200 OK", "running\n"
    else:
        status, text = "503 Service Unavailable", "not running freely\n"
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n"
    body = "" if method == b"HEAD" else text
    return f"{head}Connection: close\r\n\r\n{body}".encode()


class _Connection(asyncio.Protocol):
    def __init__(self, is_ready: Callable[[], bool], connections: "set[_Connection]") -> None:
        self._is_ready, self._connections = is_ready, connections
        self._request = b""
        self._transport: asyncio.Transport | None = None
        self._timeout: asyncio.TimerHandle | None = None

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if len(self._connections) >= MAX_CONNECTIONS:
            transport.abort()
            return
        self._connections.add(self)
        self._timeout = asyncio.get_running_loop().call_later(MAX_SECONDS, transport.abort)

    def data_received(self, data: bytes) -> None:
        assert self._transport is not None
        self._request += data
        if len(self._request) > MAX_REQUEST_BYTES:
            self._transport.abort()
        elif b"\r\n\r\n" in self._request:
            self._transport.write(answer(self._request, is_ready=self._is_ready()))
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._connections.discard(self)
        if self._timeout is not None:
            self._timeout.cancel()
