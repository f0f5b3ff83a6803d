"""Clients of the gateway that take output as fast as it comes, and count it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bench.pace import Pace

WAIT_SECONDS = 300.0


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
        await self.until("process.completed")

    async def until(self, method: str) -> None:
        """That notification comes."""
        while f'"{method}"' not in await self._receive():
            pass

    async def read(self, total: int, pace: Pace, number: int) -> None:
        """All output, every byte of it once."""
        end = 0
        while end < total:
            text = await self._receive()
            if text.startswith('{"jsonrpc":"2.0","method":"process.output"'):
                offset, reached = _place(text)
                if offset != end:
                    raise RuntimeError(f"offset {offset} came, {end} comes next")
                end = reached
                pace.reached(number, end)

    async def discard(self) -> None:
        """All that comes, as fast as it comes, until cancelled."""
        while True:
            await self._receive()

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
