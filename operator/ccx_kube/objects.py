"""Paths of API objects, objects that need not be there, and lists that come in pieces."""

from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import quote

from ccx_kube.answers import Object
from ccx_kube.errors import ApiError
from ccx_kube.session import KubeSession

PAGE: Final = 500
"""Objects per request of a list."""

MERGE_PATCH: Final = "application/merge-patch+json"


def object_path(api: str, namespace: str, plural: str, *rest: str) -> str:
    """`api` is such as /api/v1; `rest` a name, and a subresource."""
    parts = (quote(part, safe="") for part in (namespace, plural, *rest))
    return f"{api}/namespaces/{'/'.join(parts)}"


async def existing(session: KubeSession, path: str) -> Object | None:
    """None: there is no such object."""
    try:
        return await session.request("GET", path)
    except ApiError as exc:
        if exc.is_not_found:
            return None
        raise


async def pages(
    session: KubeSession, path: str, *, label_selector: str | None = None
) -> AsyncIterator[Object]:
    """The pieces of a list, all of one resourceVersion; 410 if it took the server too long."""
    params = [("limit", str(PAGE))]
    if label_selector is not None:
        params.append(("labelSelector", label_selector))
    following = ""
    while True:
        more = [("continue", following)] if following else []
        page = await session.request("GET", path, params=[*params, *more])
        yield page
        following = page.get("metadata", {}).get("continue") or ""
        if not following:
            return
