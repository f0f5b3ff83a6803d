"""A small client of the gateway: calls with their answers, and what is told beside them.

call() -> WebSocket -> answer | notification -> told()
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from ccx_dev.child import StackError

Object = dict[str, Any]


class Wire:
    def __init__(
        self, socket: aiohttp.ClientWebSocketResponse, told: Callable[[str, Object], None]
    ) -> None:
        self._socket, self._told = socket, told
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Object]] = {}

    async def call(self, method: str, **params: Any) -> Object:
        """The result; an error is told as the gateway says it."""
        number = next(self._ids)
        waiting = self._answers[number] = asyncio.get_running_loop().create_future()
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        await self._socket.send_json(request)
        answer = await waiting
        if "error" in answer:
            raise StackError(f"{method}: {answer['error']['message']}")
        result: Object = answer["result"]
        return result

    async def read(self) -> None:
        """Hand out what comes, until the socket closes; who still waits then is told so."""
        async for message in self._socket:
            found = json.loads(message.data)
            if "method" in found:
                self._told(found["method"], found["params"])
            elif waiting := self._answers.pop(found["id"], None):
                waiting.set_result(found)
        for waiting in self._answers.values():
            waiting.set_exception(StackError("the gateway has closed the socket"))


@asynccontextmanager
async def connected(url: str, told: Callable[[str, Object], None]) -> AsyncIterator[Wire]:
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
        wire = Wire(socket, told)
        reading = asyncio.create_task(wire.read())
        try:
            yield wire
        finally:
            reading.cancel()
            await asyncio.wait([reading])
