"""Pods as JSON objects."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Final

from ccx_kube.answers import Object
from ccx_kube.errors import ApiError, Unreachable
from ccx_kube.objects import MERGE_PATCH, existing, object_path, pages
from ccx_kube.session import KubeSession
from ccx_kube.watch import watch

_API: Final = "/api/v1"
REPLAY_SECONDS: Final = 10.0


class Pods:
    def __init__(self, session: KubeSession) -> None:
        self._session = session

    async def create(self, namespace: str, body: Object) -> Object:
        return await self._session.request("POST", object_path(_API, namespace, "pods"), body=body)

    async def get(self, namespace: str, name: str) -> Object | None:
        return await existing(self._session, object_path(_API, namespace, "pods", name))

    async def gone_since(self, namespace: str, name: str, version: str) -> list[Object]:
        """The last states of those of that name that have been deleted since; takes a second.

        ApiError where the server does not remember that version any more.
        """
        path = object_path(_API, namespace, "pods")
        events = watch(self._session, path, version=version, name=name, seconds=1)
        try:
            async with asyncio.timeout(REPLAY_SECONDS), aclosing(events):
                return [found async for kind, found in events if kind == "DELETED"]
        except TimeoutError:
            raise Unreachable("a watch of one second has not ended") from None

    async def listed(
        self, label_selector: str, namespace: str | None = None
    ) -> AsyncGenerator[Object, None]:
        """Of all namespaces if none is given. The items say neither apiVersion nor kind."""
        path = f"{_API}/pods" if namespace is None else object_path(_API, namespace, "pods")
        async for page in pages(self._session, path, label_selector=label_selector):
            for item in page.get("items") or ():
                yield item

    async def annotate(
        self, namespace: str, name: str, uid: str, annotations: Mapping[str, str]
    ) -> Object | None:
        """None if there is no pod of that uid any more."""
        body = {"metadata": {"uid": uid, "annotations": dict(annotations)}}
        path = object_path(_API, namespace, "pods", name)
        try:
            return await self._session.request("PATCH", path, body=body, content_type=MERGE_PATCH)
        except ApiError as exc:
            if exc.is_not_found or exc.is_conflict:
                return None
            raise

    async def delete(
        self, namespace: str, name: str, uid: str, grace_seconds: int | None = None
    ) -> None:
        """Only the pod of that uid; that it is gone, or another has its name, is success.

        Without `grace_seconds` the pod's own grace counts.
        """
        options: dict[str, Any] = {"preconditions": {"uid": uid}}
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        try:
            await self._session.request(
                "DELETE", object_path(_API, namespace, "pods", name), body=options
            )
        except ApiError as exc:
            if not (exc.is_not_found or exc.is_conflict):
                raise
