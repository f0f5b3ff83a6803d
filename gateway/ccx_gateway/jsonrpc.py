"""JSON-RPC 2.0 as its specification has it. Sans-IO.

    frame -> read() -> Request | Notification | Invalid, or a batch of them
    result or error -> response() -> frame

Ids go back as they came. What has no valid id is answered with null.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from ccx_gateway.errors import GatewayError, InvalidRequest, ParseError, error_object

MAX_BATCH: Final = 100
"""Calls in one batch."""

JsonObject = dict[str, Any]
Params = JsonObject | list[Any]
RequestID = str | int | float | None


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    params: Params
    id: RequestID


@dataclass(frozen=True, slots=True)
class Notification:
    """A call that nobody wants an answer to, not even an error."""

    method: str
    params: Params


@dataclass(frozen=True, slots=True)
class Invalid:
    error: GatewayError
    id: RequestID = None


Call = Request | Notification | Invalid


@dataclass(frozen=True, slots=True)
class Batch:
    calls: tuple[Call, ...]


def read(frame: str | bytes) -> Call | Batch:
    try:
        value = orjson.loads(frame)
    except orjson.JSONDecodeError as exc:
        return Invalid(ParseError(f"not JSON: at character {exc.pos}"))
    if not isinstance(value, list):
        return _call(value)
    if not value:
        return Invalid(InvalidRequest("an empty batch: send at least one call"))
    if len(value) > MAX_BATCH:
        return Invalid(InvalidRequest(f"a batch of {len(value)} calls: send at most {MAX_BATCH}"))
    return Batch(tuple(map(_call, value)))


def response(request_id: RequestID, result: object) -> JsonObject:
    return {"jsonrpc": "2.0", "result": result, "id": request_id}


def error_response(request_id: RequestID, error: Exception) -> JsonObject:
    return {"jsonrpc": "2.0", "error": error_object(error), "id": request_id}


def notification(method: str, params: Mapping[str, Any]) -> JsonObject:
    return {"jsonrpc": "2.0", "method": method, "params": params}


def dump(message: JsonObject | Sequence[JsonObject]) -> bytes:
    return orjson.dumps(message)


def _call(value: object) -> Call:
    if not isinstance(value, dict):
        return Invalid(InvalidRequest("a call must be an object"))
    found = value.get("id")
    if isinstance(found, bool) or not isinstance(found, str | int | float | None):
        return Invalid(InvalidRequest("id: must be a string, a number or null"))
    if value.get("jsonrpc") != "2.0":
        return Invalid(InvalidRequest('jsonrpc: must be "2.0"'), found)
    method, params = value.get("method"), value.get("params", {})
    if not isinstance(method, str):
        return Invalid(InvalidRequest("method: must be a string"), found)
    if not isinstance(params, dict | list):
        return Invalid(InvalidRequest("params: must be an object or an array"), found)
    return Request(method, params, found) if "id" in value else Notification(method, params)
