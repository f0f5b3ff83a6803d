"""Ask for the gateways' Leases every few seconds, and tell whose sessions have lost theirs.

list of Leases -> gateways.py -> store -> queue of keys -> decide()
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Final, Protocol

from ccx_api.names import COMPONENT_GATEWAY, LABEL_COMPONENT
from ccx_kube.leases import Lease
from ccx_operator.gateways import Gateways
from ccx_operator.session_end import gateway_of
from ccx_operator.store import Store
from ccx_operator.work_queue import WorkQueue

log = logging.getLogger(__name__)

EVERY_SECONDS: Final = 10.0
SELECTOR: Final = f"{LABEL_COMPONENT}={COMPONENT_GATEWAY}"


class ListsLeases(Protocol):
    async def list(self, label_selector: str) -> tuple[Lease, ...]: ...
    async def delete(self, lease: Lease) -> None:
        """Not if it has been renewed since."""


class SessionWatch:
    def __init__(
        self,
        store: Store,
        queue: WorkQueue,
        leases: ListsLeases,
        *,
        takeover: timedelta,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._queue, self._leases = store, queue, leases
        self._gateways = Gateways(takeover=takeover)
        self._clock = clock
        self._every = min(EVERY_SECONDS, takeover.total_seconds() / 6)
        self._looked_at: float | None = None

    async def run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.warning("the Leases of the gateways cannot be listed", exc_info=True)
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        leases = await self._leases.list(SELECTOR)
        named = self._named()
        gone = self._gateways.saw(leases, frozenset(named.values()), self._passed())
        for uid, gateway in named.items():
            self._store.gateway_is_silent(uid, gateway if gateway in gone else None)
            if gateway in gone:
                self._queue.add(uid)
        for lease in leases:
            if lease.name in gone and lease.name not in named.values():
                await self._leases.delete(lease)  # of a crashed gateway: nobody else will

    def _named(self) -> dict[str, str]:
        """The gateway of each execution that is to end with its session, and has not ended."""
        named: dict[str, str] = {}
        for uid in self._store.uids():
            execution = self._store.execution(uid)
            if execution is None or execution.status.phase.is_terminal:
                continue
            if (gateway := gateway_of(execution)) is not None:
                named[uid] = gateway
        return named

    def _passed(self) -> timedelta:
        """Since the last list that was answered; a longer pause tells nothing of the gateways."""
        now, before = self._clock(), self._looked_at
        self._looked_at = now
        seconds = 0.0 if before is None else min(now - before, 2 * self._every)
        return timedelta(seconds=seconds)
