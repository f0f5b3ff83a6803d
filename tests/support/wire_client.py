"""A WebSocket client as they were written for the original service. Every wait is bounded."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

WAIT_SECONDS = 60.0
Object = dict[str, Any]


class WireClient:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.session_id = ""
        self._ids = itertools.count(1)

    async def send(self, method: str, **params: Any) -> int:
        """A request; its id."""
        request_id = next(self._ids)
        call = {"jsonrpc": "2.0", "method": method, "params": params, "id": request_id}
        await self.socket.send_str(json.dumps(call))
        return request_id

    async def next(self) -> Object:
        async with asyncio.timeout(WAIT_SECONDS):
            message = await self.socket.receive()
        assert message.type is aiohttp.WSMsgType.TEXT, message
        found: Object = json.loads(message.data)
        assert found["jsonrpc"] == "2.0"
        return found

    async def next_response(self) -> Object:
        return (await self.until_response())[-1]

    async def until_response(self) -> list[Object]:
        """All messages up to the next response, which is the last."""
        found = [await self.next()]
        while "id" not in found[-1]:
            found.append(await self.next())
        return found

    async def call(self, method: str, **params: Any) -> Object:
        """The response, which is the next message."""
        request_id = await self.send(method, **params)
        response = await self.next()
        assert response.get("id") == request_id, response
        return response

    async def result(self, method: str, **params: Any) -> Object:
        """Of a call that must succeed; what is told before the answer is dropped."""
        await self.send(method, **params)
        response = await self.next_response()
        assert "result" in response, response
        found: Object = response["result"]
        return found

    async def until(self, method: str) -> list[Object]:
        """All messages up to that notification, which is the last."""
        found = [await self.next()]
        while found[-1].get("method") != method:
            found.append(await self.next())
        return found

    async def run(self, **params: Any) -> list[Object]:
        """Everything that an execute is followed by, to its end."""
        await self.send("execute", **params)
        found = [await self.next()]
        return found if "error" in found[0] else found + await self.until("process.completed")

    async def closed(self) -> int:
        """The code with which the server ends the socket."""
        async with asyncio.timeout(WAIT_SECONDS):
            message = await self.socket.receive()
        assert message.type is aiohttp.WSMsgType.CLOSE, message
        return int(message.data)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def connected(
    url: str, headers: Mapping[str, str] | None = None
) -> AsyncIterator[WireClient]:
    """A client that has been greeted."""
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.ws_connect(url, max_msg_size=0) as socket,
    ):
        client = WireClient(socket)
        greeting = await client.next()
        assert greeting["method"] == "connected"
        client.session_id = greeting["params"]["session_id"]
        yield client


def output_of(messages: list[Object]) -> bytes:
    """The text of all output, each byte once: whoever has a hole or a repetition fails."""
    text, expected = "", None
    for message in messages:
        if message.get("method") != "process.output":
            continue
        params = message["params"]
        assert expected in (None, params["offset"]), f"{expected} comes next: {params}"
        expected = params["end"]
        text += params["data"]
    return text.encode()


def methods(messages: list[Object]) -> list[str]:
    """What came, in order; runs of output as one."""
    names = [message.get("method", "response") for message in messages]
    return [name for name, _ in itertools.groupby(names)]
