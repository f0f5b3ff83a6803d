"""Read the API server's answers. Pure: status, headers, bytes -> JSON object or ApiError."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from ccx_kube.errors import ApiError

Object = dict[str, Any]
"""A Kubernetes object as JSON."""

MAX_MESSAGE: Final = 1024
"""Characters of an error's text that are kept: a proxy may answer with a page of HTML."""

_REASONS: Final = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
}


def read_object(status: int, body: bytes) -> Object:
    """The JSON object of a successful answer; a proxy's login page is an error."""
    found = _parse(body)
    if found is None:
        raise ApiError(status, "NotJSON", "the answer is not a JSON object: is this an API server?")
    return found


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> ApiError:
    """The error of an unsuccessful answer, whether it holds a metav1.Status or not."""
    said = _parse(body) or {"message": body[: 4 * MAX_MESSAGE].decode("utf-8", "replace").strip()}
    details = said.get("details")
    details = details if isinstance(details, dict) else {}
    return ApiError(
        status,
        str(said.get("reason") or _REASONS.get(status, "HTTPError")),
        str(said.get("message") or "no message")[:MAX_MESSAGE],
        retry_after=_seconds(headers.get("Retry-After") or details.get("retryAfterSeconds")),
        details=details,
    )


def _parse(body: bytes) -> Object | None:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _seconds(value: object) -> float | None:
    """None for the date form of Retry-After, which API servers do not use."""
    text = str(value)
    return float(text) if text.isascii() and text.isdigit() else None
