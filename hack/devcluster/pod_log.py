"""pods/log: the bytes of a container's log, as the node hands them out.

query -> LogOptions -> Node.logs -> awaited writes
"""

from collections.abc import Mapping
from contextlib import aclosing
from datetime import datetime

from aiohttp import web

from devcluster import field_errors as errors
from devcluster.apierrors import FieldError, bad_request, invalid_kind
from devcluster.history import Object
from devcluster.http_request import flag, whole_number
from devcluster.pods import all_containers
from devcluster.ports import LogOptions, Node


async def serve_log(request: web.Request, pod: Object, node: Node) -> web.StreamResponse:
    container = container_of(pod, request.query.get("container", ""))
    metadata = pod["metadata"]
    options = _options(request, metadata["name"])
    if not pod["spec"].get("nodeName"):
        return web.Response(status=204)
    chunks = node.logs(metadata["namespace"], metadata["name"], container, options)
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    async with aclosing(chunks):  # type: ignore[type-var]
        first = await anext(chunks, b"")  # an error is known before the answer begins
        await response.prepare(request)
        if first:
            await response.write(first)
        async for chunk in chunks:
            await response.write(chunk)
    return response


def container_of(pod: Object, wanted: str) -> str:
    """The container that is meant; 400 as the API server words it."""
    name = pod["metadata"]["name"]
    names = [container["name"] for container in all_containers(pod["spec"])]
    if wanted:
        if wanted not in names:
            raise bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    main = [container["name"] for container in pod["spec"]["containers"]]
    if len(main) > 1:
        raise bad_request(
            f"a container name must be specified for pod {name}, choose one of: [{' '.join(main)}]"
        )
    return str(main[0])


def _options(request: web.Request, pod: str) -> LogOptions:
    query = request.query
    options = LogOptions(
        follow=flag(request, "follow"),
        previous=flag(request, "previous"),
        timestamps=flag(request, "timestamps"),
        tail_lines=_number(query, "tailLines"),
        limit_bytes=_number(query, "limitBytes"),
        since_seconds=_number(query, "sinceSeconds"),
        since_time=_time(query.get("sinceTime")),
    )
    if (wrong := _mistake(options)) is not None:
        raise invalid_kind("PodLogOptions", pod, wrong)
    return options


def _mistake(options: LogOptions) -> FieldError | None:
    for name, value, least in (
        ("tailLines", options.tail_lines, 0),
        ("limitBytes", options.limit_bytes, 1),
        ("sinceSeconds", options.since_seconds, 1),
    ):
        if value is not None and value < least:
            words = "greater than 0" if least else "greater than or equal to 0"
            return errors.invalid(name, value, f"must be {words}")
    if options.since_seconds is not None and options.since_time is not None:
        words = "at most one of `sinceTime` or `sinceSeconds` may be specified"
        return errors.forbidden("[]", words)
    return None


def _number(query: Mapping[str, str], name: str) -> int | None:
    return whole_number(query[name]) if name in query else None


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError as error:
        shown = errors.quoted(text)
        words = (
            f'parsing time {shown} as "2006-01-02T15:04:05Z07:00": cannot parse {shown} as "2006"'
        )
        raise bad_request(words) from error
