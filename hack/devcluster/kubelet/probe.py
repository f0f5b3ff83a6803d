"""Readiness: an HTTP GET every period, and the verdict over several of them.

check() -> Verdicts (thresholds) -> ready or not -> container status
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from itertools import chain, repeat
from typing import Any, Final

from devcluster.history import Object
from devcluster.kubelet.lookup import NODE_IP

MAX_STATUS_LINE: Final = 8 * 1024

SEEN_SECONDS: Final = 1.0
"""The real one lists its containers so often, and looks at one that it sees for the first time."""


class Verdicts:
    """Results to readiness. Pure."""

    def __init__(self, *, successes: int = 1, failures: int = 3) -> None:
        self.ready = False
        self._needed = {True: successes, False: failures}
        self._last, self._run = False, 0

    def saw(self, success: bool) -> bool:
        """The readiness after this result."""
        self._run = self._run + 1 if success == self._last else 1
        self._last = success
        if self._run >= self._needed[success]:
            self.ready = success
        return self.ready


class ReadinessProbe:
    def __init__(self, probe: Object, container: Object, ports: Mapping[int, int]) -> None:
        self._probe = probe
        self._get: dict[str, Any] | None = probe.get("httpGet")
        self._port = _port(self._get["port"], container, ports) if self._get else 0
        self._delay = probe.get("initialDelaySeconds") or 0
        self._period = probe.get("periodSeconds") or 10
        self._timeout = probe.get("timeoutSeconds") or 1

    async def run(
        self, on_ready: Callable[[bool], None], on_failure: Callable[[str], None]
    ) -> None:
        """Probe until cancelled."""
        verdicts = Verdicts(
            successes=self._probe.get("successThreshold") or 1,
            failures=self._probe.get("failureThreshold") or 3,
        )
        await asyncio.sleep(self._delay)
        loop = asyncio.get_running_loop()
        for pause in chain((min(SEEN_SECONDS, self._period),), repeat(self._period)):
            began = loop.time()
            failure = await self._check()
            if failure:
                on_failure(f"Readiness probe failed: {failure}")
            on_ready(verdicts.saw(not failure))
            await asyncio.sleep(max(0.0, began + pause - loop.time()))

    async def _check(self) -> str:
        """Why it failed; empty for a success."""
        if self._get is None:
            return f"devcluster probes by httpGet, not by {', '.join(self._probe)}"
        path = "/" + (self._get.get("path") or "/").lstrip("/")
        headers = {h["name"]: h["value"] for h in self._get.get("httpHeaders") or ()}
        url = f'Get "http://{NODE_IP}:{self._port}{path}"'
        try:
            async with asyncio.timeout(self._timeout):
                code = await http_status(self._port, path, headers)
        except TimeoutError:
            return f"{url}: context deadline exceeded (Client.Timeout exceeded)"
        except OSError as error:
            why = (error.strerror or "reset").lower()
            return f"{url}: dial tcp {NODE_IP}:{self._port}: connect: {why}"
        except ValueError:
            return f"{url}: malformed HTTP response"
        return "" if 200 <= code < 400 else f"HTTP probe failed with statuscode: {code}"


async def http_status(port: int, path: str, headers: Mapping[str, str]) -> int:
    """The status code of one GET; its body is not read. ValueError for what is not HTTP.

    By the socket itself: every pod is probed every few seconds, and a stream costs thrice as much.
    """
    lines = {"Host": f"{NODE_IP}:{port}", "User-Agent": "kube-probe/devcluster", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    request = f"GET {path} HTTP/1.1\r\n{head}Connection: close\r\n\r\n".encode()
    loop, told = asyncio.get_running_loop(), b""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as peer:
        peer.setblocking(False)
        await loop.sock_connect(peer, (NODE_IP, port))
        await loop.sock_sendall(peer, request)
        while b"\n" not in told and len(told) < MAX_STATUS_LINE:
            if not (data := await loop.sock_recv(peer, MAX_STATUS_LINE)):
                break
            told += data
    version, code, *_ = told.partition(b"\n")[0].split(maxsplit=2) or (b"", b"")
    if not version.startswith(b"HTTP/"):
        raise ValueError("not HTTP")
    return int(code)


def _port(port: int | str, container: Object, ports: Mapping[int, int]) -> int:
    """A port's number or name to the local port; an undeclared number stands for itself."""
    if isinstance(port, str) and not port.isdigit():
        named = {p.get("name"): p["containerPort"] for p in container.get("ports") or ()}
        port = named.get(port, 0)
    return ports.get(int(port), int(port))
