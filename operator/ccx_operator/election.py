"""Take part in the election of the one operator that acts: the loop around leadership.py.

Lease -> read -> decide() -> write; check() stands before everything else that this process writes

kubernetes.aio has a leaderelection, which is not used: docs/decisions/0015.
"""

import asyncio
import logging
import math
import secrets
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, NoReturn, Protocol

from ccx_api.names import OPERATOR_LEASE
from ccx_kube.errors import ApiError, KubeError
from ccx_kube.leases import Lease, micro_time
from ccx_operator.leadership import (
    DEFAULT_TERMS,
    Acquire,
    Lost,
    Renew,
    Standing,
    Terms,
    Wait,
    decide,
    released,
    saw,
    wrote,
)

log = logging.getLogger(__name__)

RELEASE_SECONDS: Final = 3.0
SHORTEST_WAIT: Final = 0.1
"""Between a try that took long and the next."""

_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Goes on while the machine sleeps, where there is such a clock."""


class LeadershipLostError(Exception):
    """Another may lead by now: the process must end."""


class HoldsLease(Protocol):
    async def get(self, name: str) -> Lease | None: ...
    async def put(self, lease: Lease) -> Lease:
        """As it was seen, or an error."""


class Election:
    def __init__(
        self,
        leases: HoldsLease,
        me: str,
        *,
        terms: Terms = DEFAULT_TERMS,
        clock: Callable[[], float] = lambda: time.clock_gettime(_CLOCK),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._leases, self._terms, self._clock, self._now = leases, terms, clock, now
        self._standing = Standing(OPERATOR_LEASE, me, terms)

    @property
    def leads(self) -> bool:
        return self._clock() < self._standing.leads_until

    @property
    def transitions(self) -> int:
        lease = self._standing.lease
        return lease.transitions if lease is not None else 0

    def check(self) -> None:
        """By our own clock alone, so that it also holds in the first moment after a long stop."""
        if not self.leads:
            raise LeadershipLostError("this process does not lead, and must not write")

    async def win(self) -> None:
        """Stand by until this process leads."""
        while not self.leads:
            await self._try()
        log.info("leads, as %s", self._standing.me)

    async def keep(self) -> NoReturn:
        """Renew, for ever; raise LeadershipLostError."""
        while True:
            await self._try()

    async def release(self) -> None:
        """When nothing of this process acts any more: another need not wait for the end of it."""
        if self._standing.sent_at is not None and not self.leads:
            return  # lost, and the end must not wait
        self._standing = replace(self._standing, sent_at=None)
        try:
            async with asyncio.timeout(RELEASE_SECONDS):
                await self._give_back()
        except (KubeError, TimeoutError):
            log.warning("the Lease could not be released, and will expire", exc_info=True)

    async def _give_back(self) -> None:
        """Twice at most: a renewal may have been on its way."""
        for last in (False, True):
            lease = await self._leases.get(OPERATOR_LEASE)
            if lease is None or lease.holder != self._standing.me:
                return
            try:
                await self._leases.put(released(lease, micro_time(self._now())))
            except ApiError as exc:
                if last or not exc.is_conflict:
                    raise
            else:
                log.info("the Lease is released")
                return

    async def _try(self) -> None:
        """One look at the Lease and what follows from it, and the wait until the next."""
        began = self._clock()
        due = began + self._terms.retry
        try:
            async with asyncio.timeout(self._patience(began)):
                due = min(due, await self._step())
        except (KubeError, TimeoutError):
            log.warning("the Lease could not be read or written", exc_info=True)
        now = self._clock()
        due = max(due, now + SHORTEST_WAIT)
        if self.leads:
            due = min(due, self._standing.leads_until)
        await asyncio.sleep(due - now)

    def _patience(self, now: float) -> float:
        """Of one try: one that hangs must leave time for another before the Lease is lost."""
        most = self._terms.renew_within / 2
        return min(most, self._standing.leads_until - now) if self.leads else most

    async def _step(self) -> float:
        """When there is something to do again, at the latest."""
        self._end_if_lost()
        self._saw(await self._leases.get(OPERATOR_LEASE))
        match decide(self._standing, self._clock(), micro_time(self._now())):
            case Acquire(lease) | Renew(lease):
                sent_at = self._clock()
                written = await self._leases.put(lease)
                self._standing = wrote(self._standing, written, sent_at=sent_at)
            case Wait(seconds):
                return self._clock() + seconds
            case Lost(why):
                raise LeadershipLostError(why)
        return math.inf

    def _end_if_lost(self) -> None:
        """Without a word to the server, which may not answer."""
        step = decide(self._standing, self._clock(), "")
        if isinstance(step, Lost):
            raise LeadershipLostError(step.why)

    def _saw(self, lease: Lease | None) -> None:
        before = self._standing
        self._standing = saw(before, lease, self._clock())
        holder = lease.holder if lease is not None else ""
        known = before.lease.holder if before.lease is not None else ""
        if holder not in ("", known, before.me):
            log.info("%s leads", holder)


class Alone:
    """Of an operator that takes no part in it: it always leads."""

    leads, transitions = True, 0

    def check(self) -> None:
        """Nothing is forbidden."""

    async def win(self) -> None:
        """Without an opponent."""

    async def keep(self) -> None:
        await asyncio.Event().wait()

    async def release(self) -> None:
        """There is nothing."""


def new_identity() -> str:
    """Of this process; in a cluster it begins with the pod's name."""
    return f"{socket.gethostname()}_{secrets.token_hex(6)}"
