"""Answer a frame: every call in it, in order, by one function that carries a call out.

frame -> read() -> carry_out(method, params) -> Done -> one response, or one batch of them
                                                 └> what follows the response
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ccx_gateway.errors import GatewayError
from ccx_gateway.jsonrpc import (
    Batch,
    Call,
    Invalid,
    JsonObject,
    Params,
    Request,
    dump,
    error_response,
    read,
    response,
)
from ccx_kube.errors import ApiError

log = logging.getLogger(__name__)

Then = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Done:
    result: Any
    then: Then | None = None
    """To be awaited once the response has been sent: the notifications that come after it."""


CarryOut = Callable[[str, Params], Awaitable[Done]]


async def answer(
    frame: str | bytes, carry_out: CarryOut, send: Callable[[bytes], Awaitable[None]]
) -> None:
    """Nothing is sent for notifications. An error in one call of a batch is that call's alone."""
    message = read(frame)
    calls = message.calls if isinstance(message, Batch) else (message,)
    responses: list[JsonObject] = []
    following: list[Then] = []
    for call in calls:
        told, then = await _one(call, carry_out)
        responses += [told] if told is not None else []
        following += [then] if then is not None else []
    if responses:
        await send(dump(responses if isinstance(message, Batch) else responses[0]))
    for then in following:
        await then()


async def _one(call: Call, carry_out: CarryOut) -> tuple[JsonObject | None, Then | None]:
    if isinstance(call, Invalid):
        return error_response(call.id, call.error), None
    try:
        done = await carry_out(call.method, call.params)
    except Exception as exc:
        if not isinstance(exc, GatewayError | ApiError):
            log.exception("%s failed", call.method[:64])
        return (error_response(call.id, exc) if isinstance(call, Request) else None), None
    return (response(call.id, done.result) if isinstance(call, Request) else None), done.then
