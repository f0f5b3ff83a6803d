"""Make the pods that read archives, for as long as somebody asks for them.

watch event with the annotation -> look() -> queue -> the pod is there -> the annotation goes

The gateway may make no pods: it leaves a wish on the execution, whose archive it is. The wish goes
once a reader is there, or cannot be; whoever still needs one wishes again. A reader ends by itself;
what has ended is swept away every minute.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final, Protocol

from ccx_api.names import ANNOTATION_READ, LABEL_READER, reader_of
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_kube.errors import ApiError
from ccx_operator.owner import controller_of
from ccx_operator.pod_spec import Images
from ccx_operator.reader_pod import reader_body
from ccx_operator.settled import settled_phase
from ccx_operator.work_queue import Key, WorkQueue

log = logging.getLogger(__name__)

Body = dict[str, Any]

WORKERS: Final = 4
ROOM: Final = 1000
"""Wishes that wait. What finds no room wishes again."""

AGAIN_SECONDS: Final = 1.0
"""While a reader of before goes."""

SWEEP_SECONDS: Final = 60.0
MOST_TRIES: Final = 30
"""Of one wish."""


class ReadsExecutions(Protocol):
    async def get(self, namespace: str, name: str) -> ClaudeExecution: ...
    async def annotate(
        self, execution: ClaudeExecution, annotations: Mapping[str, str | None]
    ) -> ClaudeExecution: ...


class MakesPods(Protocol):
    async def get(self, namespace: str, name: str) -> Body | None: ...
    async def create(self, namespace: str, body: Body) -> Body: ...
    async def delete(self, namespace: str, name: str, uid: str) -> None: ...
    def listed(
        self, label_selector: str, namespace: str | None = None
    ) -> AsyncGenerator[Body, None]: ...


class Readers:
    def __init__(
        self,
        executions: ReadsExecutions,
        pods: MakesPods,
        images: Images,
        *,
        namespaces: Sequence[str] = (),
        acted: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._executions, self._pods, self._images = executions, pods, images
        self._namespaces: Sequence[str | None] = namespaces or (None,)
        self._acted = acted
        self._queue = WorkQueue()
        self._wishes: dict[Key, tuple[str, str]] = {}
        self._tries: dict[Key, int] = {}

    def look(self, body: Mapping[str, Any]) -> None:
        """At an execution as it comes: whether a reader is wished for, and can be had."""
        metadata = body["metadata"]
        if ANNOTATION_READ not in (metadata.get("annotations") or {}):
            return
        if settled_phase(body) is None or metadata.get("deletionTimestamp"):
            return  # its end will bring it again
        if len(self._wishes) < ROOM:
            self._wishes[metadata["uid"]] = metadata["namespace"], metadata["name"]
            self._queue.add(metadata["uid"])

    def __len__(self) -> int:
        """How many wishes wait."""
        return len(self._wishes)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._queue.hand_out(self._work, WORKERS))
            tasks.create_task(self._sweep_for_ever())

    async def fulfil(self, namespace: str, name: str, uid: Key) -> bool:
        """Whether nothing is left to do for that wish."""
        try:
            execution = await self._executions.get(namespace, name)
        except ApiError as exc:
            if exc.is_not_found:
                return True
            raise
        is_same = execution.metadata.uid == uid
        if not is_same or ANNOTATION_READ not in execution.metadata.annotations:
            return True
        if not await self._is_there(execution):
            return False
        await self._executions.annotate(execution, {ANNOTATION_READ: None})
        return True

    async def sweep(self) -> None:
        for namespace in self._namespaces:
            async with aclosing(self._pods.listed(LABEL_READER, namespace)) as listed:
                async for pod in listed:
                    metadata = pod["metadata"]
                    if _is_over(pod) and controller_of(metadata) == _reads(pod):
                        place = metadata["namespace"], metadata["name"]
                        await self._pods.delete(*place, metadata["uid"])

    async def _work(self, uid: Key) -> None:
        """What is wished anew meanwhile is looked at once more."""
        wish = self._wishes.pop(uid, None)
        failed = done = False
        try:
            done = wish is None or await self.fulfil(*wish, uid)
        except Exception as exc:
            if not (isinstance(exc, ApiError) and exc.is_conflict):  # look at what it is now
                log.warning("a reader of an archive could not be made, will retry", exc_info=True)
            failed = True
        tries = self._tries[uid] = self._tries.get(uid, 0) + 1
        if done or wish is None or tries >= MOST_TRIES:
            self._tries.pop(uid, None)
            failed = False
        else:
            self._wishes.setdefault(uid, wish)
            if not failed:
                self._queue.add_after(uid, AGAIN_SECONDS)
        self._queue.done(uid, failed=failed)

    async def _is_there(self, execution: ClaudeExecution) -> bool:
        """Or can never be: then that is said in the log."""
        metadata, body = execution.metadata, reader_body(execution, self._images)
        if body is None or execution.status.pod_name is None:
            return True
        name = reader_of(execution.status.pod_name)
        pod = await self._pods.get(metadata.namespace, name)
        if pod is None:
            return await self._make(metadata.namespace, body)
        if controller_of(pod["metadata"]) != metadata.uid:
            log.warning("pod %s/%s belongs to somebody else: no reader", metadata.namespace, name)
            return True
        if _is_over(pod):
            await self._pods.delete(metadata.namespace, name, pod["metadata"]["uid"])
            return False
        return "deletionTimestamp" not in pod["metadata"]

    async def _make(self, namespace: str, body: Body) -> bool:
        try:
            await self._pods.create(namespace, body)
        except ApiError as exc:
            if exc.is_already_exists:
                return False
            name = body["metadata"]["name"]
            log.warning("reader %s/%s is refused: %s", namespace, name, exc.message)
            return True
        self._acted("CreateReader")
        return True

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except ApiError as exc:
                log.warning("readers that have ended could not be swept away: %s", exc)


def _is_over(pod: Body) -> bool:
    return (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")


def _reads(pod: Body) -> str:
    return str((pod["metadata"].get("labels") or {}).get(LABEL_READER))
