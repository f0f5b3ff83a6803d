"""Compare the store with full lists, at the start and every few minutes.

After a 410 kopf lists anew without telling what vanished meanwhile. A pod that a list does not
name is read again before anybody calls it lost.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from ccx_api.names import LABEL_EXECUTION_UID
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.actions import ConfirmPod
from ccx_operator.controller import Cluster
from ccx_operator.facts import PodFacts, pod_facts
from ccx_operator.outcomes import note
from ccx_operator.pod_name import pod_name
from ccx_operator.store import Store
from ccx_operator.work_queue import WorkQueue

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 300.0
AGAIN_SECONDS: Final = 10.0
"""After a failure."""


class ListsExecutions(Protocol):
    async def list(
        self, namespace: str | None = None
    ) -> tuple[tuple[ClaudeExecution, ...], str]: ...


class ListsPods(Protocol):
    async def list(
        self, label_selector: str, namespace: str | None = None
    ) -> tuple[dict[str, Any], ...]: ...


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
        while True:
            try:
                await self.compare()
                await asyncio.sleep(EVERY_SECONDS)
            except Exception:
                log.warning("the comparison with a full list failed", exc_info=True)
                await asyncio.sleep(AGAIN_SECONDS)

    async def compare(self) -> None:
        known = self._store.uids()
        executions: list[ClaudeExecution] = []
        for namespace in self._namespaces:
            executions += (await self._executions.list(namespace))[0]
        self._store.saw_all_executions(executions, known)

        known_pods = self._store.pods()
        pods: list[PodFacts] = []
        for namespace in self._namespaces:
            listed = await self._pods.list(LABEL_EXECUTION_UID, namespace)
            pods += [facts for facts, label in map(_labelled, listed) if facts.owner_uid == label]
        missing = self._store.saw_all_pods(pods, known_pods, self._now())
        for uid in missing:
            await self._read_pod(uid)
        for uid in self._store.uids():
            self._queue.add(uid)

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


def _labelled(pod: dict[str, Any]) -> tuple[PodFacts, str]:
    return pod_facts(pod), pod["metadata"]["labels"][LABEL_EXECUTION_UID]
