"""ClaudeExecutions as the models of ccx_api."""

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final

from pydantic import ValidationError

from ccx_api.names import API_VERSION, PLURAL
from ccx_api.status import ExecutionStatus
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_kube.answers import Object
from ccx_kube.errors import ApiError
from ccx_kube.objects import MERGE_PATCH, object_path, pages
from ccx_kube.session import KubeSession
from ccx_kube.watch import watch

log = logging.getLogger(__name__)

_API: Final = f"/apis/{API_VERSION}"


class Executions:
    def __init__(self, session: KubeSession) -> None:
        self._session = session

    async def create(self, namespace: str, body: Object) -> ClaudeExecution:
        path = object_path(_API, namespace, PLURAL)
        return ClaudeExecution.model_validate(await self._session.request("POST", path, body=body))

    async def get(self, namespace: str, name: str) -> ClaudeExecution:
        found = await self._session.request("GET", _path(namespace, name))
        return ClaudeExecution.model_validate(found)

    async def list(self, namespace: str | None = None) -> tuple[ClaudeExecution, ...]:
        return tuple([execution async for execution in self.listed(namespace)])

    async def listed(self, namespace: str | None = None) -> AsyncGenerator[ClaudeExecution, None]:
        """All there are, a page held at a time. Of all namespaces if none is given.

        One that the models do not take is left out and logged: it must not hide the others.
        """
        path = f"{_API}/{PLURAL}" if namespace is None else object_path(_API, namespace, PLURAL)
        async for page in pages(self._session, path):
            for item in page.get("items") or ():
                if (execution := _read(item)) is not None:
                    yield execution

    async def watch(
        self, namespace: str, name: str, version: str
    ) -> AsyncGenerator[ClaudeExecution | None, None]:
        """Every later state of that one; None once it is deleted. Ends when the server ends it."""
        path = object_path(_API, namespace, PLURAL)
        events = watch(self._session, path, version=version, name=name)
        async with aclosing(events):
            async for kind, found in events:
                yield None if kind == "DELETED" else ClaudeExecution.model_validate(found)

    async def patch_spec(
        self, namespace: str, name: str, spec: Mapping[str, Any]
    ) -> ClaudeExecution:
        """Fields as on the wire, such as desiredState; None removes one."""
        return await self._patch(_path(namespace, name), {"spec": dict(spec)})

    async def change_spec(
        self, execution: ClaudeExecution, spec: Mapping[str, Any]
    ) -> ClaudeExecution:
        """As patch_spec; Conflict if the execution has changed since the one decided on."""
        body = {"metadata": _version(execution), "spec": dict(spec)}
        return await self._patch(_path_of(execution), body)

    async def patch_status(
        self, execution: ClaudeExecution, status: ExecutionStatus
    ) -> ClaudeExecution:
        """Conflict if the execution has changed since the one that was decided on."""
        body = {"metadata": _version(execution), "status": status_patch(status)}
        return await self._patch(f"{_path_of(execution)}/status", body)

    async def set_finalizers(
        self,
        execution: ClaudeExecution,
        finalizers: Sequence[str],
        annotations: Mapping[str, str] | None = None,
    ) -> ClaudeExecution:
        """Conflict as with patch_status: a finalizer of somebody else's must not get lost."""
        metadata: Object = {**_version(execution), "finalizers": list(finalizers)}
        if annotations:
            metadata["annotations"] = dict(annotations)
        return await self._patch(_path_of(execution), {"metadata": metadata})

    async def annotate(
        self, execution: ClaudeExecution, annotations: Mapping[str, str | None]
    ) -> ClaudeExecution:
        """None takes one away. Conflict if the execution has changed since it was read."""
        metadata: Object = {**_version(execution), "annotations": dict(annotations)}
        return await self._patch(_path_of(execution), {"metadata": metadata})

    async def delete(self, namespace: str, name: str, *, uid: str, version: str) -> None:
        """Only the one of that uid, and as it was at that version: else Conflict. That it is gone
        is success.
        """
        options = {"preconditions": {"uid": uid, "resourceVersion": version}}
        try:
            await self._session.request("DELETE", _path(namespace, name), body=options)
        except ApiError as exc:
            if not exc.is_not_found:
                raise

    async def _patch(self, path: str, body: Object) -> ClaudeExecution:
        answer = await self._session.request("PATCH", path, body=body, content_type=MERGE_PATCH)
        return ClaudeExecution.model_validate(answer)


def status_patch(status: ExecutionStatus) -> Object:
    """A merge patch to exactly this status: null removes a field, but not inside a list."""
    patch = status.model_dump(mode="json")
    patch["conditions"] = [c.model_dump(mode="json", exclude_none=True) for c in status.conditions]
    return patch


def _read(item: Object) -> ClaudeExecution | None:
    try:
        return ClaudeExecution.model_validate(item)
    except ValidationError as exc:  # its own text quotes the spec, prompt included
        metadata = item.get("metadata", {})
        field = ".".join(str(part) for part in exc.errors()[0]["loc"])
        name = f"{metadata.get('namespace')}/{metadata.get('name')}"
        log.warning("execution %s is left out: %s is not understood", name, field)
        return None


def _version(execution: ClaudeExecution) -> Object:
    return {"resourceVersion": execution.metadata.resource_version}


def _path_of(execution: ClaudeExecution) -> str:
    return _path(execution.metadata.namespace, execution.metadata.name)


def _path(namespace: str, name: str) -> str:
    return object_path(_API, namespace, PLURAL, name)
