"""Write what finished executions have used into the records of their namespaces, each once.

add() -> waits by namespace -> one write for all of them -> store, queue -> the finalizer goes

The finalizer holds an execution until its usage is recorded. Who was recorded before a crash
stands in the record. Only where another operator wrote last, each execution is read first: it
may have been recorded, let go and forgotten since. A namespace that refuses holds nobody for long.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final, Protocol

from ccx_api.names import FINALIZER, USAGE_RECORD
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_kube.errors import ApiError
from ccx_operator.events import usage_lost_event
from ccx_operator.store import Store
from ccx_operator.usage_record import Body, Entry, added, entry_of, recorded, recorder
from ccx_operator.work_queue import Key, WorkQueue

log = logging.getLogger(__name__)

APART_SECONDS: Final = 1.0
"""Between two writes to one record: what ends meanwhile shares the second."""

PATIENCE_SECONDS: Final = 60.0
"""For which a record that cannot be written holds an execution. Once it was in vain, a try."""

WRITE_SECONDS: Final = 60.0
MAX_BATCH: Final = 200
CONFLICTS: Final = 5
WORKERS: Final = 4


class Maps(Protocol):
    async def get(self, namespace: str, name: str) -> Body | None: ...
    async def create(self, namespace: str, body: Body) -> None: ...
    async def replace(self, namespace: str, body: Body) -> None:
        """ApiError with is_conflict: it is not as it was read any more."""


class ReadsExecutions(Protocol):
    async def get(self, namespace: str, name: str) -> ClaudeExecution: ...


class Meter(Protocol):
    def acted(self, action: str) -> None: ...
    def usage_recorded(self, executions: int) -> None: ...
    def usage_lost(self, executions: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """What the recorder reaches out to."""

    maps: Maps
    executions: ReadsExecutions
    tell: Callable[[str, dict[str, Any]], None]
    """Have an Event posted in a namespace, when there is time."""


class Recorder:
    def __init__(
        self,
        store: Store,
        queue: WorkQueue,
        ports: Ports,
        meter: Meter,
        *,
        wake: Callable[[Key], None],
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._queue, self._ports, self._meter = store, queue, ports, meter
        self._wake, self._now, self._clock = wake, now, clock
        self._identity = uuid.uuid4().hex
        """This life's own: no other operator, before or beside, has it."""

        self._waiting: dict[str, dict[str, tuple[Entry, float]]] = {}
        """By namespace and uid, with when it was asked for; no more than the store holds."""

        self._next: dict[str, float] = {}
        self._refusing = set[str]()
        self._mine = set[str]()
        """Whose uids we have put into records, and not taken out again."""

    def add(self, execution: ClaudeExecution) -> None:
        entry = entry_of(execution, self._now())
        waiting = self._waiting.setdefault(entry.namespace, {})
        waiting.setdefault(entry.uid, (entry, self._clock()))
        due = self._next.get(entry.namespace, 0.0)
        self._queue.add_after(entry.namespace, max(0.0, due - self._clock()))

    async def run(self) -> None:
        await self._queue.hand_out(self._work, WORKERS)

    async def _work(self, namespace: str) -> None:
        failed = True
        try:
            failed = not await self.step(namespace)
        except Exception:
            log.exception("the usage of a namespace was not recorded, will retry")
        finally:
            self._queue.done(namespace, failed=failed)

    async def step(self, namespace: str) -> bool:
        """One write for those that wait there. False: it is to be tried again."""
        batch = dict(islice(self._waiting.get(namespace, {}).items(), MAX_BATCH))
        if not batch:
            self._waiting.pop(namespace, None)
            self._next.pop(namespace, None)
            return True
        self._next[namespace] = self._clock() + APART_SECONDS
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                await self._record(namespace, [entry for entry, _ in batch.values()])
        except Exception as exc:
            return self._failed(namespace, batch, exc)
        self._refusing.discard(namespace)
        self._settle(namespace, batch)
        self._queue.add_after(namespace, APART_SECONDS)  # for those who came meanwhile
        return True

    async def _record(self, namespace: str, entries: list[Entry]) -> None:
        for _ in range(CONFLICTS):
            body = await self._ports.maps.get(namespace, USAGE_RECORD)
            known = set(recorded(body))
            new = [entry for entry in entries if entry.uid not in known]
            if recorder(body) != self._identity:
                new = [entry for entry in new if await self._is_held(entry)]
            if not new or await self._write(namespace, body, new):
                return
        raise TimeoutError(f"somebody else keeps changing ConfigMap {USAGE_RECORD}")

    async def _write(self, namespace: str, body: Body | None, new: list[Entry]) -> bool:
        """False: it has changed since it was read."""
        today = self._now().astimezone(UTC).date()
        record = added(body, new, keep=self._keep, recorder=self._identity, today=today)
        write = self._ports.maps.create if body is None else self._ports.maps.replace
        try:
            await write(namespace, record)
        except ApiError as exc:
            if exc.is_conflict or exc.is_already_exists:
                return False
            raise
        finally:
            self._meter.acted("WriteUsage")
        self._mine -= set(recorded(body)) - set(recorded(record))
        self._mine |= {entry.uid for entry in new}
        self._meter.usage_recorded(len(new))
        return True

    async def _is_held(self, entry: Entry) -> bool:
        """Read after the record: one that is not in it, and still held, has not been recorded."""
        try:
            found = await self._ports.executions.get(entry.namespace, entry.name)
        except ApiError as exc:
            if exc.is_not_found:
                return False
            raise
        return found.metadata.uid == entry.uid and FINALIZER in found.metadata.finalizers

    def _keep(self, uid: str) -> bool:
        """Until it is known that its finalizer has gone."""
        known = uid in self._mine or self._store.complete
        return not known or self._store.execution(uid) is not None

    def _failed(
        self, namespace: str, batch: dict[str, tuple[Entry, float]], exc: Exception
    ) -> bool:
        going = isinstance(exc, ApiError) and (exc.is_namespace_going or exc.is_not_found)
        patience = 0.0 if going or namespace in self._refusing else PATIENCE_SECONDS
        late = self._clock() - patience
        lost = [entry for entry, since in batch.values() if since <= late]
        words = str(exc)[:500] or type(exc).__name__
        log.warning("usage is not recorded: %s", words, extra={"namespace": namespace})
        if not lost:
            return False
        if going:
            self._refusing.discard(namespace)
        else:
            self._refusing.add(namespace)
            event = usage_lost_event(namespace, len(lost), words, self._now())
            self._ports.tell(namespace, event)
        for entry in lost:
            log.error("usage is lost", extra={"usage": _told(entry)})
        self._meter.usage_lost(len(lost))
        self._settle(namespace, [entry.uid for entry in lost])
        return len(lost) == len(batch)

    def _settle(self, namespace: str, uids: Iterable[str]) -> None:
        waiting = self._waiting.get(namespace, {})
        for uid in uids:
            waiting.pop(uid, None)
            self._store.usage_settled(uid)
            self._wake(uid)


def _told(entry: Entry) -> dict[str, object]:
    """By which it can be added by hand."""
    return {
        "namespace": entry.namespace,
        "name": entry.name,
        "uid": entry.uid,
        "day": entry.day.isoformat(),
        "model": entry.model,
        "costUSD": str(entry.tally.cost),
        **entry.tally.counts,
    }
