"""A watch: changes of one resource as a stream of JSON lines.

Subscription -> selected() -> one line -> awaited write (a slow client waits in its own place)
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import orjson
from aiohttp import web

from devcluster import field_errors as errors
from devcluster.apierrors import ApiError, expired, invalid_options
from devcluster.faults import Faults, RequestKind
from devcluster.history import Change, ChangeType, ExpiredError, Object, Subscription
from devcluster.http_request import JSON, Form, flag, whole_number
from devcluster.routes import Target
from devcluster.selectors import Predicate
from devcluster.store import Store

BOOKMARK_SECONDS: Final = 10.0
LONGEST_SECONDS: Final = 1800
"""After which a watch without timeoutSeconds ends."""


@dataclass
class Watch:
    """One request to watch. Its faults strike at the start, or later at the next event."""

    store: Store
    faults: Faults
    target: Target
    matches: Predicate
    form: Form
    heads: bool = True
    """Whether the next table needs its column headers: only the first one has them."""

    async def serve(
        self, request: web.Request, struck: ApiError | None = None
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": JSON})
        try:
            subscription, first = (None, []) if struck else self._begin(request)
        except ExpiredError as error:
            struck, subscription, first = expired(str(error)), None, []
        await response.prepare(request)
        if struck or subscription is None:
            await response.write(_line("ERROR", _json((struck or expired("gone")).status())))
            return response
        seconds = whole_number(request.query.get("timeoutSeconds", 0))
        try:
            async with asyncio.timeout(seconds or LONGEST_SECONDS):
                for line in first:
                    await response.write(line)
                await self._follow(request, response, subscription)
        except TimeoutError:
            pass
        finally:
            subscription.close()
        return response

    def _begin(self, request: web.Request) -> tuple[Subscription, list[bytes]]:
        """Where to start, and the objects that are sent first when no version is given."""
        query = request.query
        version = whole_number(query.get("resourceVersion") or 0)
        initial = flag(request, "sendInitialEvents")
        if initial and query.get("resourceVersionMatch") != "NotOlderThan":
            words = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            wrong = errors.forbidden("resourceVersionMatch", words)
            raise invalid_options("ListOptions", wrong)
        key = self.target.rt.key
        if version and not initial:
            return self.store.subscribe(key, since=version), []
        lines = [
            self._event("ADDED", obj, None)
            for obj in self.store.list(key, self.target.namespace or None)
            if self.matches(obj)
        ]
        if initial:
            lines.append(self._bookmark({"k8s.io/initial-events-end": "true"}))
        return self.store.subscribe(key), lines

    async def _follow(
        self, request: web.Request, response: web.StreamResponse, subscription: Subscription
    ) -> None:
        bookmarks = flag(request, "allowWatchBookmarks")
        while True:
            try:
                async with asyncio.timeout(BOOKMARK_SECONDS):
                    change = await subscription.next_change()
            except TimeoutError:
                if bookmarks:
                    await response.write(self._bookmark())
                continue
            except ExpiredError as error:
                await response.write(_line("ERROR", _json(expired(str(error)).status())))
                return
            if change is None:
                return
            if (selected := self._selected(change)) is not None:
                if await self._is_ended_by_fault(request, response):
                    return
                await response.write(self._event(selected, *self._told(change, selected)))

    async def _is_ended_by_fault(self, request: web.Request, response: web.StreamResponse) -> bool:
        kind = RequestKind("watch", self.target.rt.key, "")
        if (fault := self.faults.take(kind, is_open=True)) is None:
            return False
        if fault.fault == "reset":
            if request.transport is not None:
                request.transport.abort()
            return True
        if (error := fault.error()) is not None:
            await response.write(_line("ERROR", _json(error.status())))
            return True
        await asyncio.sleep(fault.seconds)  # slow, or silent
        return False

    def _selected(self, change: Change) -> ChangeType | None:
        """What the change is to this watch: an object may enter or leave its selector."""
        namespace = self.target.namespace
        if namespace and change.object["metadata"].get("namespace") != namespace:
            return None
        is_in = change.type != "DELETED" and self.matches(change.object)
        was_in = change.previous is not None and self.matches(change.previous)
        if is_in:
            return "MODIFIED" if was_in else "ADDED"
        return "DELETED" if was_in else None

    def _told(self, change: Change, selected: ChangeType) -> tuple[Object, Change | None]:
        """Of an object that leaves the selector, as it was while it was in, but for its version."""
        if selected != "DELETED" or change.type == "DELETED" or change.previous is None:
            return change.object, change
        version = {"resourceVersion": change.object["metadata"]["resourceVersion"]}
        left = {**change.previous, "metadata": {**change.previous["metadata"], **version}}
        return left, None

    def _event(self, kind: str, obj: Object, change: Change | None) -> bytes:
        if self.form.as_table:
            row = self.form.one(self.target.rt, obj, headers=self.heads)
            self.heads = False
            return _line(kind, _json(row))
        return _line(kind, change.json if change else _json(obj))

    def _bookmark(self, annotations: dict[str, str] | None = None) -> bytes:
        rt = self.target.rt
        metadata: Object = {"resourceVersion": str(self.store.version)}
        if not rt.is_custom:
            metadata["creationTimestamp"] = None
        if annotations:
            metadata["annotations"] = annotations
        obj: Object = {"kind": rt.kind, "apiVersion": rt.api_version, "metadata": metadata}
        return _line("BOOKMARK", _json(obj))


def _json(obj: Object) -> bytes:
    return orjson.dumps(obj)


def _line(kind: str, obj: bytes) -> bytes:
    return b'{"type":"' + kind.encode() + b'","object":' + obj + b"}\n"
