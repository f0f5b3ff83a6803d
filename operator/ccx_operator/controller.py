"""The reconcile loop: observe -> decide -> one status patch if it changed -> carry out -> again."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from ccx_api.status import ExecutionStatus
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.actions import Action, Decision
from ccx_operator.events import transition_event
from ccx_operator.outcomes import Outcome, note
from ccx_operator.reconcile import NODE_LOST, decide
from ccx_operator.store import Store
from ccx_operator.work_queue import Key, WorkQueue

log = logging.getLogger(__name__)

RECONCILE_SECONDS: Final = 60.0
ROUNDS: Final = 8
"""More than any way through the table needs; past it something answers what it does not do."""


class ConflictError(Exception):
    """The execution is no longer the one that was decided on."""


class DoesNotSettleError(Exception):
    pass


class Cluster(Protocol):
    """Every call is idempotent: 404 on delete is success, and so is 409 on create if the pod is
    owned by this execution's uid. What writes the execution carries the resourceVersion that was
    decided on, and raises ConflictError for the server's 409: a stale leader overwrites nothing.
    """

    async def carry_out(self, action: Action, execution: ClaudeExecution) -> Outcome: ...
    async def patch_status(
        self, execution: ClaudeExecution, status: ExecutionStatus
    ) -> ClaudeExecution | None:
        """None: there is no such object any more."""

    async def read(self, execution: ClaudeExecution) -> ClaudeExecution | None: ...
    def tell(self, namespace: str, event: dict[str, Any]) -> None:
        """Post it when there is time."""


class Meter(Protocol):
    def reconciled(self, result: str, seconds: float) -> None: ...
    def acted(self, action: str) -> None: ...
    def moved(self, execution: ClaudeExecution, status: ExecutionStatus) -> None: ...


class Controller:
    def __init__(
        self,
        store: Store,
        queue: WorkQueue,
        cluster: Cluster,
        meter: Meter,
        *,
        now: Callable[[], datetime],
        node_lost: timedelta = NODE_LOST,
    ) -> None:
        self._store, self._queue, self._cluster, self._meter = store, queue, cluster, meter
        self._now, self._node_lost = now, node_lost

    async def run(self, *, workers: int = 32) -> None:
        """Reconcile what the queue hands out, until cancelled."""
        await self._queue.hand_out(self._work, workers)

    async def _work(self, key: Key) -> None:
        failed, started = True, time.monotonic()
        try:
            async with asyncio.timeout(RECONCILE_SECONDS):
                await self.reconcile(key)
            failed = False
        except Exception:  # whatever is wrong with one execution must not stop the others
            log.exception("reconcile failed, will retry", extra={"execution": key})
        finally:
            self._queue.done(key, failed=failed)
            self._meter.reconciled("error" if failed else "ok", time.monotonic() - started)

    async def reconcile(self, key: Key) -> None:
        for _ in range(ROUNDS):
            execution = self._store.execution(key)
            if execution is None:
                return  # deleted, and its pod with it: the garbage collector follows the owner
            now, observed = self._now(), self._store.observe(key)
            decision = decide(execution, observed, now=now, node_lost=self._node_lost)
            if decision.status == execution.status and not decision.actions:
                if decision.check_after is not None:
                    self._queue.add_after(key, decision.check_after)
                return
            try:
                await self._carry_out(execution, decision)
            except ConflictError:  # there is something newer, which has its turn like all others
                await self._read_again(execution)
                self._queue.add(key)
                return
        raise DoesNotSettleError(f"still something to do after {ROUNDS} rounds")

    async def _carry_out(self, execution: ClaudeExecution, decision: Decision) -> None:
        """Raises ConflictError; what has been done until then is noted."""
        uid = execution.metadata.uid
        if decision.status != execution.status:
            await self._write_status(execution, decision.status)
        for action in decision.actions:
            newest = self._store.execution(uid)
            if newest is None:
                return
            outcome = await self._cluster.carry_out(action, newest)
            self._meter.acted(type(action).__name__)
            note(self._store, uid, action, outcome, self._now())

    async def _write_status(self, execution: ClaudeExecution, status: ExecutionStatus) -> None:
        written = await self._cluster.patch_status(execution, status)
        if written is None:
            self._store.execution_deleted(execution.metadata.uid)
            return
        self._store.wrote_status(written, self._now())
        self._meter.moved(execution, status)
        self._log_transition(execution, status)
        if event := transition_event(execution, status, self._now()):
            self._cluster.tell(execution.metadata.namespace, event)

    async def _read_again(self, execution: ClaudeExecution) -> None:
        newest = await self._cluster.read(execution)
        if newest is None:
            self._store.execution_deleted(execution.metadata.uid)
        else:
            self._store.saw_execution(newest)

    def _log_transition(self, execution: ClaudeExecution, status: ExecutionStatus) -> None:
        before, metadata = execution.status, execution.metadata
        if (before.phase, before.reason) != (status.phase, status.reason):
            where = {"namespace": metadata.namespace, "name": metadata.name, "uid": metadata.uid}
            log.info("%s %s", status.phase, status.reason, extra={"execution": where})
