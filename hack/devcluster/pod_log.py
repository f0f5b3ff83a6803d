"""pods/log: the bytes of a container's log, as the node hands them out.

query -> LogOptions -> Node.logs -> awaited writes
"""

from collections.abc import Mapping
from contextlib import aclosing
from datetime import datetime

from aiohttp import web

from devcluster.apierrors import bad_request
from devcluster.history import Object
from devcluster.http_request import flag, whole_number
from devcluster.pods import all_containers
from devcluster.ports import LogOptions, Node


async def serve_log(request: web.Request, pod: Object, node: Node) -> web.StreamResponse:
    container = container_of(pod, request.query.get("container", ""))
    metadata = pod["metadata"]
    if not pod["spec"].get("nodeName"):
        raise bad_request(f"pod {metadata['name']} does not have a host assigned")
    chunks = node.logs(metadata["namespace"], metadata["name"], container, _options(request))
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


def _options(request: web.Request) -> LogOptions:
    query = request.query
    return LogOptions(
        follow=flag(request, "follow"),
        previous=flag(request, "previous"),
        timestamps=flag(request, "timestamps"),
        tail_lines=_number(query, "tailLines"),
        limit_bytes=_number(query, "limitBytes"),
        since_seconds=_number(query, "sinceSeconds"),
        since_time=_time(query.get("sinceTime")),
    )


def _number(query: Mapping[str, str], name: str) -> int | None:
    return whole_number(name, query[name]) if name in query else None


def _time(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise bad_request("sinceTime: must be RFC 3339, as 2024-01-02T03:04:05Z") from error
