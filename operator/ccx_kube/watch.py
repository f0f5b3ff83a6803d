"""A watch on one object: events as they come, until the server ends it or says that it cannot."""

from collections.abc import AsyncGenerator
from typing import Any, Final

import orjson

from ccx_kube.answers import Object
from ccx_kube.errors import ApiError
from ccx_kube.session import KubeSession

SERVER_SECONDS: Final = 300
"""After which the server ends it: who watches on begins with a fresh look."""

MAX_EVENT: Final = 4 * 1024 * 1024
"""Bytes of one event: API servers store no larger object than 1.5 MiB."""


async def watch(
    session: KubeSession, path: str, *, version: str, name: str, seconds: int = SERVER_SECONDS
) -> AsyncGenerator[tuple[str, Object], None]:
    """(ADDED, MODIFIED or DELETED, object) after `version`. ApiError 410: that is too old."""
    params = [
        ("watch", "true"),
        ("fieldSelector", f"metadata.name={name}"),
        ("resourceVersion", version),
        ("timeoutSeconds", str(seconds)),
    ]
    async with session.stream("GET", path, params=params) as answer:
        rest = b""
        async for piece in answer.content.iter_any():
            *lines, rest = (rest + piece).split(b"\n")
            if len(rest) > MAX_EVENT:
                raise ApiError(0, "EventTooLong", f"more than {MAX_EVENT} bytes")
            for line in lines:
                if (event := _event(line)) is not None:
                    yield event


def _event(line: bytes) -> tuple[str, Object] | None:
    if not line.strip():
        return None
    try:
        event: Any = orjson.loads(line)
        kind, found = event["type"], event["object"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise ApiError(0, "NotAnEvent", "a line of the watch is not a watch event") from None
    if kind == "ERROR":
        raise ApiError(int(found.get("code") or 0), str(found.get("reason")), "the watch failed")
    return (kind, found) if kind in ("ADDED", "MODIFIED", "DELETED") else None
