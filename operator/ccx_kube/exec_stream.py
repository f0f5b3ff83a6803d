"""One exec in a pod, over a WebSocket: bytes to its stdin, bytes from its stdout.

write() -> ExecChannel -> socket -> ExecChannel -> stdout()
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import quote

import aiohttp

from ccx_kube.errors import Unreachable
from ccx_kube.exec_channel import ExecChannel, ExecStatus, Stderr, Stdout
from ccx_kube.session import KubeSession, Params

MAX_STDERR: Final = 1024
"""Bytes of stderr that are kept, to be quoted when the exec has failed: its newest."""


class ExecStream:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._channel = ExecChannel(socket.protocol)
        self._stderr = b""
        self._status: ExecStatus | None = None
        self._failure = ""

    async def write(self, data: bytes) -> None:
        """Waits while the server does not take it. Raises Unreachable once the exec has ended."""
        try:
            for message in self._channel.stdin(data):
                await self._socket.send_bytes(message)
        except (aiohttp.ClientError, ConnectionError) as exc:
            raise Unreachable(str(exc)) from exc

    async def stdout(self) -> AsyncIterator[memoryview]:
        """To the exec's end; `ending` then says how it came to that."""
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.ERROR:
                self._failure = str(message.data)
                return
            match self._channel.receive(message.data):
                case Stdout(data):
                    yield data
                case Stderr(data):
                    self._stderr = (self._stderr + data)[-MAX_STDERR:]
                case ExecStatus() as status:
                    self._status = status
                    return
                case None:
                    pass

    @property
    def ending(self) -> str:
        if self._status is None:
            return f"the connection ended: {self._failure or f'code {self._socket.close_code}'}"
        said = self._stderr.decode("utf-8", "replace").strip()
        if self._status.exit_code is None:
            return f"the command was not run: {self._status.message}"
        return f"the command exited with {self._status.exit_code}{': ' if said else ''}{said}"


@asynccontextmanager
async def open_exec(
    session: KubeSession, namespace: str, pod: str, container: str, argv: Sequence[str]
) -> AsyncIterator[ExecStream]:
    """The server learns from the end of the connection that nobody is there any more."""
    path = f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(pod, safe='')}/exec"
    params: Params = [
        ("container", container),
        *(("command", word) for word in argv),
        *((stream, "true") for stream in ("stdin", "stdout", "stderr")),
    ]
    async with session.websocket(path, params=params) as socket:
        yield ExecStream(socket)
