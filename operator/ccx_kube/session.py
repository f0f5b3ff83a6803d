"""HTTP to the API server: three verbs on one aiohttp session.

    request()    JSON in, JSON out, 30 s           stream()     an answer without an end
    websocket()  the channel protocol of exec

kubernetes.aio supplies configuration, authentication and TLS (access.py). Its own calls are not
used: they cut streams after 300 s and stop at 100 connections without a word.
"""

import asyncio
import asyncio.sslproto
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, Self

import aiohttp
import orjson
from kubernetes.aio.client.rest import RESTClientObject
from yarl import URL

from ccx_kube.access import Access, load_access
from ccx_kube.answers import Object, read_error, read_object
from ccx_kube.errors import ApiError, Unreachable
from ccx_kube.exec_channel import OFFERED
from ccx_kube.loopback import is_loopback

Params = Sequence[tuple[str, str]]
"""Query parameters; a name may come more than once."""

REQUEST_SECONDS: Final = 30.0
CONNECT_SECONDS: Final = 10.0
"""To a first byte of a stream or a WebSocket, the wait for a free connection included."""

POOL_SIZE: Final = 4096
"""Connections at once. Each open link or stream holds one."""

READ_BUFFER: Final = 64 * 1024
"""Bytes that aiohttp reads ahead of us per connection; 2 MiB in kubernetes.aio."""

TLS_BUFFER: Final = 64 * 1024
"""Four TLS records in one read: a full stream costs a fifth less than with one.

asyncio's default of 256 KiB per connection would be 9 parts in 10 of a link's cost."""

MAX_BODY: Final = 64 * 1024 * 1024
"""Bytes of an answer to request(): some thousand executions, which come 500 at a time."""

MAX_ERROR_BODY: Final = 64 * 1024
MAX_MESSAGE: Final = 1024 * 1024
"""Bytes of a WebSocket message; API servers send 32 KiB."""

PING_SECONDS: Final = 20.0
"""A WebSocket ends when a ping is not answered within half of this: a partition has no end."""

CLOSE_SECONDS: Final = 1.0
"""How long a WebSocket's peer may take to say goodbye."""

Failures = tuple[type[Exception], ...]
_FAILED: Final[Failures] = (aiohttp.ClientError,)
_OR_TIMEOUT: Final[Failures] = (aiohttp.ClientError, TimeoutError)
"""Only where no code of the caller runs: its own timeouts are its own."""


class KubeSession:
    """`async with await KubeSession.from_environment() as session`."""

    def __init__(self, access: Access) -> None:
        self.namespace = access.namespace
        """Of the pod that we are, or of the kubeconfig's context."""
        self.on_response: Callable[[str, int], None] | None = None
        """Told HTTP method and status of every answer; 0 when the connection failed."""
        self.fence: Callable[[], None] | None = None
        """Called just before what may change something is sent; raises to forbid it."""
        self._access = access
        self._url = URL(access.configuration.host)
        self._options = _options(access, self._url)
        asyncio.sslproto.SSLProtocol.max_size = TLS_BUFFER
        tls = RESTClientObject(access.configuration).ssl_context
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=POOL_SIZE, ssl=tls),
            headers={"User-Agent": "cc-executor", "Accept": "application/json"},
            middlewares=(self._exchange,),
            read_bufsize=READ_BUFFER,
        )

    @classmethod
    async def from_environment(cls, kubeconfig: str | None = None) -> Self:
        """By the given kubeconfig, else in cluster, else by KUBECONFIG or ~/.kube/config."""
        return cls(await load_access(kubeconfig))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.close()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        body: Any = None,
        content_type: str = "application/json",
    ) -> Object:
        """Raise ApiError for every answer that is not a success, Unreachable for none."""
        data = None if body is None else orjson.dumps(body)
        headers = {} if data is None else {"Content-Type": content_type}
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS, sock_connect=CONNECT_SECONDS)
        with self._failing(method, _OR_TIMEOUT):
            async with self._http.request(
                method,
                self._at(path, params),
                data=data,
                headers=headers,
                timeout=timeout,
                **self._options,
            ) as answer:
                return read_object(answer.status, await _read(answer, MAX_BODY))

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, params: Params = ()
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """A successful answer, to be read for as long as it goes on."""
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_SECONDS)
        with self._failing(method):
            async with self._http.request(
                method, self._at(path, params), timeout=timeout, **self._options
            ) as answer:
                yield answer

    @asynccontextmanager
    async def websocket(
        self, path: str, *, params: Params = ()
    ) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """The channel protocol that the server has chosen is the socket's `protocol`."""
        with self._failing("GET"):
            async with await self._connect(path, params) as socket:
                yield socket

    async def _connect(self, path: str, params: Params) -> aiohttp.ClientWebSocketResponse:
        with self._failing("GET", _OR_TIMEOUT):
            async with asyncio.timeout(CONNECT_SECONDS):
                socket: aiohttp.ClientWebSocketResponse = await self._http.ws_connect(
                    self._at(path, params),
                    protocols=OFFERED,
                    headers={"Accept": "*/*"},  # a kubelet refuses whoever wants JSON: 406
                    heartbeat=PING_SECONDS,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
                    max_msg_size=MAX_MESSAGE,
                    **self._options,
                )
                return socket

    def _at(self, path: str, params: Params) -> URL:
        return self._url.joinpath(path.removeprefix("/"), encoded=True).with_query(params)

    async def _exchange(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """What every exchange has around it: who we are, and an error in the server's words."""
        request.headers.update(await self._access.headers())
        if self.fence is not None and _may_change(request):
            self.fence()
        answer = await handler(request)
        self._tell(request.method, answer.status)
        if answer.status == 101 or 200 <= answer.status < 300:
            return answer
        if answer.status == 401:
            self._access.rejected()
        async with answer:
            raise read_error(answer.status, answer.headers, await _read(answer, MAX_ERROR_BODY))

    @contextmanager
    def _failing(self, method: str, failures: Failures = _FAILED) -> Iterator[None]:
        """Failures of the connection as Unreachable."""
        try:
            yield
        except failures as exc:
            self._tell(method, 0)
            raise Unreachable(str(exc) or "no answer in time") from exc

    def _tell(self, method: str, code: int) -> None:
        if self.on_response is not None:
            self.on_response(method, code)


def _may_change(request: aiohttp.ClientRequest) -> bool:
    """A WebSocket begins as a GET, and starts a program in a pod."""
    return request.method != "GET" or aiohttp.hdrs.UPGRADE in request.headers


async def _read(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    body = bytearray()
    async for piece in answer.content.iter_any():
        body += piece
        if len(body) > limit:
            raise ApiError(answer.status, "AnswerTooLong", f"more than {limit} bytes")
    return bytes(body)


def _options(access: Access, url: URL) -> dict[str, Any]:
    """What aiohttp takes with each exchange instead of once."""
    configuration = access.configuration
    wanted = {
        "proxy": configuration.proxy or _proxy_of_environment(url),
        "proxy_headers": configuration.proxy_headers,
        "server_hostname": configuration.tls_server_name,
    }
    return {name: value for name, value in wanted.items() if value}


def _proxy_of_environment(url: URL) -> str | None:
    """As kubectl: HTTPS_PROXY and NO_PROXY, and none to ourselves.

    Asked once: aiohttp's own way (trust_env) asks in a thread, for every request.
    """
    host = url.host or ""
    if is_loopback(host) or urllib.request.proxy_bypass(host):
        return None
    return urllib.request.getproxies().get(url.scheme)
