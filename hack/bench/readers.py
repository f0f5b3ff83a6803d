"""Clients that take output as fast as it comes, and count it: the gateway's, and a raw relay's."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

WAIT_SECONDS = 300.0


@dataclass(slots=True)
class Clock:
    """From the first byte to the last one, of whoever is last."""

    began: float = 0.0
    ended: float = 0.0

    def tick(self) -> None:
        self.ended = time.perf_counter()
        self.began = self.began or self.ended

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Viewer:
    """Of the gateway. One that is not told to read is a stalled one."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        await self._socket.send_json(call)
        while "id" not in (found := json.loads(await self._receive())):
            pass
        if "error" in found:
            raise RuntimeError(f"{method}: {found['error']['message']}")
        result: dict[str, Any] = found["result"]
        return result

    async def run(self, *argv: str) -> None:
        await self.call("execute", argv=argv)
        while '"process.completed"' not in await self._receive():
            pass

    async def read(self, total: int, clock: Clock) -> None:
        """All output, every byte of it once."""
        end = 0
        while end < total:
            text = await self._receive()
            if text.startswith('{"jsonrpc":"2.0","method":"process.output"'):
                clock.tick()
                offset, end_now = _place(text)
                if offset != end:
                    raise RuntimeError(f"offset {offset} came, {end} comes next")
                end = end_now

    async def _receive(self) -> str:
        return await self._socket.receive_str(timeout=WAIT_SECONDS)


def _place(text: str) -> tuple[int, int]:
    """Read from the end of the frame: to parse all of it would be the bench's own work."""
    tail = json.loads("{" + text[text.rindex('"offset":') : -1])
    return tail["offset"], tail["end"]


@asynccontextmanager
async def a_viewer(url: str) -> AsyncIterator[Viewer]:
    async with aiohttp.ClientSession() as http, http.ws_connect(url, max_msg_size=0) as socket:
        await socket.receive_str(timeout=WAIT_SECONDS)  # the greeting
        yield Viewer(socket)


class Counter(asyncio.Protocol):
    """Of a raw relay."""

    def __init__(self, total: int, clock: Clock) -> None:
        self._left, self._clock = total, clock
        self.done = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._clock.tick()
        self._left -= len(data)
        if not self._left:
            self.done.set_result(None)
