"""Delete what has been finished for spec.ttlSecondsAfterFinished.

store -> a timer in a queue of its own -> DELETE of just the version that says so

What nobody but the clock waits for goes one by one, at a bounded rate: after a restart there may
be thousands that are overdue.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Final, Protocol

from ccx_kube.errors import ApiError
from ccx_operator.store import Store
from ccx_operator.work_queue import Key, WorkQueue

log = logging.getLogger(__name__)

PER_SECOND: Final = 20
"""Deletions, at most."""

LOOK_AGAIN_SECONDS: Final = 3600.0
"""The longest timer: of what somebody else deletes, it is all that is kept, and not for long."""


class DeletesExecutions(Protocol):
    async def delete(self, namespace: str, name: str, *, uid: str, version: str) -> None:
        """ApiError with is_conflict: it is another, or not as it was any more."""


class Meter(Protocol):
    def acted(self, action: str) -> None: ...


class Expiring:
    def __init__(
        self,
        store: Store,
        queue: WorkQueue,
        executions: DeletesExecutions,
        meter: Meter,
        *,
        now: Callable[[], datetime],
        per_second: float = PER_SECOND,
    ) -> None:
        self._store, self._queue, self._executions = store, queue, executions
        self._meter, self._now, self._pause = meter, now, 1 / per_second
        store.on_expiry = self.wake

    def wake(self, uid: Key) -> None:
        if (expiry := self._store.expiry(uid)) is not None:
            left = expiry.due - self._now().timestamp()
            self._queue.add_after(uid, min(left, LOOK_AGAIN_SECONDS))

    async def run(self) -> None:
        while True:
            if await self.step():
                await asyncio.sleep(self._pause)

    async def step(self) -> bool:
        """Wait for the next one, and see to it. False: its time has not come."""
        uid, failed = await self._queue.get(), True
        try:
            asked = await self.expire(uid)
            failed = False
        except Exception as exc:
            asked = True
            if not (isinstance(exc, ApiError) and exc.is_conflict):  # the watch will tell why
                log.warning("an expired execution was not deleted, will retry", exc_info=True)
        finally:
            self._queue.done(uid, failed=failed)
        return asked

    async def expire(self, uid: Key) -> bool:
        expiry = self._store.expiry(uid)
        if expiry is None:
            return False
        if self._now().timestamp() < expiry.due:
            self.wake(uid)
            return False
        place = expiry.namespace, expiry.name
        await self._executions.delete(*place, uid=uid, version=expiry.version)
        self._meter.acted("DeleteExecution")
        where = {"namespace": expiry.namespace, "name": expiry.name, "uid": uid}
        log.info("deleted after its time to live", extra={"execution": where})
        return True
