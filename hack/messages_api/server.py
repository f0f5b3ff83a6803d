"""The scripted Messages API over HTTP: enough of Anthropic's for the real Claude Code CLI.

    POST /s/<scenario>/v1/messages -> scenarios.py -> one JSON message, or server-sent events

It stands in for the model, so that tests and the demo need no key and spend nothing.
"""

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from messages_api.scenarios import CACHE_READ_TOKENS, Answer, ApiError, HangUp, Json, Script

MAX_REQUEST = 64 * 1024 * 1024
PIECE = 16
"""Characters a streamed piece holds."""

Send = Callable[[str, Json], Awaitable[None]]


class MessagesApi:
    def __init__(self) -> None:
        self.requests: list[Json] = []
        """What was asked: scenario path, number of messages, and how it was signed in."""

        self._script, self._numbers = Script(), itertools.count(1)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_REQUEST)
        for prefix in ("", "/s/{scenario}"):
            app.router.add_post(prefix + "/v1/messages", self._messages)
        app.router.add_route("*", "/{tail:.*}", self._other)
        return app

    async def _other(self, request: web.Request) -> web.Response:
        if request.method == "HEAD":
            return web.Response()
        error = {"type": "not_found_error", "message": "not part of the script"}
        return web.json_response({"type": "error", "error": error}, status=404)

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        body, number = await request.json(), next(self._numbers)
        scenario = request.match_info.get("scenario", "obey")
        self.requests.append(
            {
                "scenario": scenario,
                "messages": len(body.get("messages", [])),
                "model": body.get("model"),
                "key": request.headers.get("x-api-key"),
            }
        )
        answer = self._script.answer(body, scenario)
        if isinstance(answer, HangUp):
            _hang_up(request)
            return web.Response()
        if isinstance(answer, ApiError):
            error = {"type": answer.kind, "message": answer.message}
            return web.json_response({"type": "error", "error": error}, status=answer.status)
        message = _message(answer, body.get("model"), number)
        if not body.get("stream"):
            return web.json_response(message)
        return await _stream(request, answer, message)


def _hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _message(answer: Answer, model: Any, number: int) -> Json:
    blocks = [
        {**block, "id": f"toolu_{number:08d}_{index}"} if block["type"] == "tool_use" else block
        for index, block in enumerate(answer.blocks)
    ]
    return {
        "id": f"msg_{number:08d}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": blocks,
        "stop_reason": answer.stop_reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": answer.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": CACHE_READ_TOKENS,
            "output_tokens": answer.output_tokens,
        },
    }


async def _stream(request: web.Request, answer: Answer, message: Json) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "text/event-stream"})
    await response.prepare(request)

    async def send(event: str, data: Json) -> None:
        payload = json.dumps({"type": event, **data})
        await response.write(f"event: {event}\ndata: {payload}\n\n".encode())

    begun = {**message, "content": [], "stop_reason": None}
    await send("message_start", {"message": begun})
    for index, block in enumerate(message["content"]):
        if not await _send_block(request, send, answer, index, block):
            return response
    delta = {"stop_reason": answer.stop_reason, "stop_sequence": None}
    await send("message_delta", {"delta": delta, "usage": message["usage"]})
    await send("message_stop", {})
    return response


async def _send_block(
    request: web.Request, send: Send, answer: Answer, index: int, block: Json
) -> bool:
    """False where the script breaks the stream off."""
    if block["type"] == "tool_use":
        start, key, kind = {**block, "input": {}}, "partial_json", "input_json_delta"
        whole = json.dumps(block["input"])
    else:
        start, key, kind = {"type": "text", "text": ""}, "text", "text_delta"
        whole = block["text"]
    await send("content_block_start", {"index": index, "content_block": start})
    pieces = [whole[at : at + PIECE] for at in range(0, len(whole), PIECE)]
    for number, piece in enumerate(pieces):
        delta = {"type": kind, key: piece}
        await send("content_block_delta", {"index": index, "delta": delta})
        if number == len(pieces) // 2 and answer.breaks_with is not None:
            await asyncio.sleep(answer.stall_seconds)
            if answer.breaks_with == "drop":
                _hang_up(request)
                return False
        await asyncio.sleep(answer.delay)
    await send("content_block_stop", {"index": index})
    return True
