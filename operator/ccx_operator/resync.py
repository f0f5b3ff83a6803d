"""Compare the store with full lists, every few minutes.

After a 410 kopf lists anew without telling what vanished meanwhile. A pod that a list does not
name is read again before anybody calls it lost.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final, Protocol

from ccx_api.names import LABEL_EXECUTION_UID
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.actions import ConfirmPod
from ccx_operator.controller import Cluster
from ccx_operator.facts import pod_facts
from ccx_operator.outcomes import note
from ccx_operator.pod_name import pod_name
from ccx_operator.store import Store
from ccx_operator.work_queue import WorkQueue

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 300.0
AGAIN_SECONDS: Final = 10.0
"""After a failure."""


class ListsExecutions(Protocol):
    def listed(self, namespace: str | None = None) -> AsyncGenerator[ClaudeExecution, None]: ...


class ListsPods(Protocol):
    def listed(
        self, label_selector: str, namespace: str | None = None
    ) -> AsyncGenerator[dict[str, Any], None]: ...


class Resync:
    def __init__(
        self,
        store: Store,
        queue: WorkQueue,
        cluster: Cluster,
        executions: ListsExecutions,
        pods: ListsPods,
        *,
        namespaces: Sequence[str],
        now: Callable[[], datetime],
    ) -> None:
        self._store, self._queue, self._cluster = store, queue, cluster
        self._executions, self._pods, self._now = executions, pods, now
        self._namespaces: Sequence[str | None] = namespaces or (None,)

    async def run(self) -> None:
        """Not at the start: kopf begins with a full list of its own."""
        wait = EVERY_SECONDS
        while True:
            await asyncio.sleep(wait)
            try:
                await self.compare()
                wait = EVERY_SECONDS
            except Exception:
                log.warning("the comparison with a full list failed", exc_info=True)
                wait = AGAIN_SECONDS

    async def compare(self) -> None:
        """Each object is looked at as it comes: ten thousand are never held at once."""
        known = self._store.known()
        self._store.saw_all_executions(await self._see_executions(), known)
        known_pods = self._store.pods()
        for uid in self._store.saw_all_pods(await self._see_pods(), known_pods):
            await self._read_pod(uid)
        for uid in self._store.uids():
            self._queue.add(uid)

    async def _see_executions(self) -> set[str]:
        """Their uids."""
        uids = set[str]()
        for namespace in self._namespaces:
            async with aclosing(self._executions.listed(namespace)) as listed:
                async for execution in listed:
                    uids.add(execution.metadata.uid)
                    self._store.saw_execution(execution)
        return uids

    async def _see_pods(self) -> set[str]:
        uids = set[str]()
        for namespace in self._namespaces:
            async with aclosing(self._pods.listed(LABEL_EXECUTION_UID, namespace)) as listed:
                async for body in listed:
                    pod = pod_facts(body)
                    if pod.owner_uid == body["metadata"]["labels"][LABEL_EXECUTION_UID]:
                        uids.add(pod.uid)
                        self._store.saw_pod(pod, self._now())
        return uids

    async def _read_pod(self, uid: str) -> None:
        execution = self._store.execution(uid)
        if execution is not None:
            action = ConfirmPod(pod_name(execution))
            note(
                self._store,
                uid,
                action,
                await self._cluster.carry_out(action, execution),
                self._now(),
            )
