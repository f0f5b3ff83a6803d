"""Answer the kubelet's readiness probe: GET /ready is 200 while the process runs freely, else 503.

That is how the operator learns of a change without a link: the pod's Ready condition.
"""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

MAX_REQUEST_BYTES = 4096
MAX_SECONDS = 2.0
MAX_CONNECTIONS = 16
"""That wait. The kubelet needs none; the port is open to the agent, and mostly to other pods."""

RETRY_SECONDS = 1.0
"""After an accept that failed, as where no descriptor is left: it would fail again at once."""


class Readiness:
    """One answer a connection.

    Every pod of a node is asked every few seconds. So there is no transport: a request that is
    there at once costs one turn of the loop, and takes a third of the time.
    """

    def __init__(self, is_ready: Callable[[], bool]) -> None:
        self._is_ready = is_ready
        self._waiting = set[_Connection]()
        self._listener: socket.socket | None = None

    def serve(self, listener: socket.socket) -> None:
        """`listener` is of bind()."""
        self._listener = listener
        self._listen()

    def close(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        for connection in list(self._waiting):
            connection.close()

    def _listen(self) -> None:
        if self._listener is not None:
            asyncio.get_running_loop().add_reader(self._listener, self._accept, self._listener)

    def _accept(self, listener: socket.socket) -> None:
        try:
            peer, _ = listener.accept()
        except (BlockingIOError, ConnectionError):  # it has gone meanwhile
            return
        except OSError:
            loop = asyncio.get_running_loop()
            loop.remove_reader(listener)
            loop.call_later(RETRY_SECONDS, self._listen)
            return
        peer.setblocking(False)
        connection = _Connection(peer, self._is_ready, self._waiting)
        if not connection.read() and len(self._waiting) < MAX_CONNECTIONS:
            connection.wait()
        else:
            connection.close()


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
        listener.setblocking(False)
        with suppress(OSError):  # where the system can: it wakes us when the request is there
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)
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


class _Connection:
    def __init__(
        self, peer: socket.socket, is_ready: Callable[[], bool], waiting: "set[_Connection]"
    ) -> None:
        self._peer, self._is_ready, self._waiting = peer, is_ready, waiting
        self._request = b""
        self._timeout: asyncio.TimerHandle | None = None

    def read(self) -> bool:
        """Take what has come, answer a whole head, and return whether that is all."""
        try:
            data = self._peer.recv(MAX_REQUEST_BYTES)
            self._request += data
            if b"\r\n\r\n" in self._request:
                self._peer.send(answer(self._request, is_ready=self._is_ready()))
                return True
        except BlockingIOError:
            return False
        except OSError:
            return True
        return not data or len(self._request) > MAX_REQUEST_BYTES

    def wait(self) -> None:
        """For the rest of the request, so long."""
        loop = asyncio.get_running_loop()
        self._waiting.add(self)
        self._timeout = loop.call_later(MAX_SECONDS, self.close)
        loop.add_reader(self._peer, self._read_on)

    def close(self) -> None:
        if self._timeout is not None:
            self._timeout.cancel()
            asyncio.get_running_loop().remove_reader(self._peer)
        self._waiting.discard(self)
        self._peer.close()

    def _read_on(self) -> None:
        if self.read():
            self.close()
