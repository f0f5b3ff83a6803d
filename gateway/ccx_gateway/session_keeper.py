"""Keep the sessions of this replica: its Lease, whose executions are whose, and what to cancel.

claim(), take_over() ──> HeldSessions ──> GatewayLease, every 5 s
closed() ── 10 s ──> cancel what does not want to go on
another gateway or the operator does the same when this process is no more
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from ccx_api.v1alpha1 import ClaudeExecution, Session
from ccx_gateway.held_sessions import HeldSessions, Key
from ccx_gateway.lease import GatewayLease
from ccx_gateway.takeover import SessionRefused, closing, take_over
from ccx_kube.errors import ApiError, KubeError
from ccx_kube.executions import Executions
from ccx_kube.leases import Leases
from ccx_kube.session import KubeSession

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionTimes:
    """In seconds."""

    renew: float = 5.0
    lease: int = 15
    leave: float = 10.0
    """How long a client may be away before its executions are cancelled."""

    retry: float = 2.0
    """Between two tries to cancel. Without end: as long as we live, nobody else would."""


class SessionKeeper:
    def __init__(
        self,
        session: KubeSession,
        gateway_id: str,
        *,
        times: SessionTimes = SessionTimes(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gateway, self._times, self._clock = gateway_id, times, clock
        self._executions = Executions(session)
        self._held, self._changed = HeldSessions(), asyncio.Event()
        self._lease = GatewayLease(
            Leases(session, session.namespace),
            gateway_id,
            duration=timedelta(seconds=times.lease),
            wanted=lambda: len(self._held) > 0,
        )

    async def run(self) -> None:
        """Until cancelled. Then nothing is closed and the Lease stays: see lease.py."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._renew())
            tasks.create_task(self._close())

    async def begin(self, session_id: str, socket: str | None = None) -> Session:
        """For the spec of an execution that is to be made: it has its gateway from the start.

        A socket is known by the session id that it was given when it connected: the default.
        """
        self.resumed(session_id, socket)
        await self._lease.settle()
        return Session(id=session_id, gateway=self._gateway)

    async def claim(
        self, execution: ClaudeExecution, session_id: str, socket: str | None = None
    ) -> ClaudeExecution:
        """Serve it for that session from now on. SessionRefused if that cannot be.

        One that was made with the Session of begin() costs no write.
        """
        key = _key(execution)
        has_joined = self.resumed(session_id, socket)
        is_new = self._held.add(session_id, key)
        try:
            await self._lease.settle()
            return await take_over(self._executions, execution, session_id, self._gateway)
        except BaseException:
            if is_new:
                self._held.ended(key)
            if has_joined:
                self.closed(session_id, socket)
            raise

    async def take_over(
        self, execution: ClaudeExecution, session_id: str, socket: str
    ) -> ClaudeExecution:
        """For a client that comes back, to this gateway or to another. SessionRefused as above,
        and for an execution that was never of a session: it may be watched, not owned.
        """
        if execution.spec.session is None:
            raise SessionRefused("the execution belongs to no session")
        return await self.claim(execution, session_id, socket)

    def ended(self, execution: ClaudeExecution) -> None:
        """It is over. Without executions there is no session to keep."""
        self._held.ended(_key(execution))

    def closed(self, session_id: str, socket: str | None = None) -> None:
        """A socket has ended. After the last one, what does not want to go on is cancelled."""
        self._held.left(session_id, socket or session_id, self._clock() + self._times.leave)
        self._changed.set()

    def resumed(self, session_id: str, socket: str | None = None) -> bool:
        """False: that socket had not left it."""
        return self._held.joined(session_id, socket or session_id)

    async def _renew(self) -> None:
        while True:
            try:
                await self._lease.settle()
            except (KubeError, OSError, TimeoutError) as exc:
                log.warning("the Lease %s is not renewed: %s", self._gateway, exc)
            await asyncio.sleep(self._times.renew)

    async def _close(self) -> None:
        while True:
            self._changed.clear()
            for session_id in self._held.due(self._clock()):
                await self._close_session(session_id)
            due = self._held.next_due()
            wait = None if due is None else max(0.0, due - self._clock())
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._changed.wait()

    async def _close_session(self, session_id: str) -> None:
        try:
            for key in self._held.executions(session_id):
                await self._let_go(session_id, key)
        except (KubeError, OSError, TimeoutError) as exc:
            log.warning("session %s is not closed yet: %s", session_id, exc)
            if self._is_left(session_id):
                self._held.postponed(session_id, self._clock() + self._times.retry)
        else:
            if self._is_left(session_id):
                self._held.dropped(session_id)

    async def _let_go(self, session_id: str, key: Key) -> None:
        """A conflict is a failure like others: it is tried again."""
        try:
            execution = await self._executions.get(*key)
            patch = closing(execution, session_id, self._gateway)
            if patch is not None and self._is_left(session_id):
                await self._executions.change_spec(execution, patch)
        except ApiError as exc:
            if not exc.is_not_found:
                raise

    def _is_left(self, session_id: str) -> bool:
        """Not resumed while we waited for an answer."""
        return session_id in self._held.due(self._clock())


def _key(execution: ClaudeExecution) -> Key:
    return execution.metadata.namespace, execution.metadata.name
