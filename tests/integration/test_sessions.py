"""Sessions on devcluster: a gateway that leaves, dies or takes over, and what the operator does."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ccx_api.names import API_VERSION, KIND
from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution, DesiredState
from ccx_dev.child import Child
from ccx_gateway.lease import LABELS, new_gateway_id
from ccx_gateway.session_keeper import SessionKeeper, SessionTimes
from ccx_gateway.takeover import SessionRefused
from ccx_kube.errors import ApiError
from ccx_kube.executions import Executions
from ccx_kube.leases import Lease, Leases
from ccx_kube.session import KubeSession
from ccx_operator.session_watch import SELECTOR
from devcluster.server import Devcluster, running_devcluster
from support.small_cluster import BIN, NAMESPACE, a_session, an_operator, eventually

QUICK = SessionTimes(renew=0.2, lease=2, leave=0.2, retry=0.1)
TAKEOVER_SECONDS = 4


@pytest.fixture
async def cluster() -> AsyncIterator[Devcluster]:
    async with running_devcluster(path=[str(BIN)]) as cluster:
        yield cluster


@pytest.fixture
async def session(cluster: Devcluster) -> AsyncIterator[KubeSession]:
    async with asyncio.timeout(120), a_session(cluster) as session:
        yield session


@pytest.fixture
def operator(cluster: Devcluster, session: KubeSession, tmp_path: Path) -> Iterator[Child]:
    """One that waits a few seconds for somebody to take a session over."""
    log, words = tmp_path / "operator.log", ("--session-takeover-seconds", str(TAKEOVER_SECONDS))
    with an_operator(cluster, log, *words) as child:
        yield child


class Gateway:
    """As much of one as its sessions are: no socket, no output."""

    def __init__(self, session: KubeSession) -> None:
        self.id = new_gateway_id()
        self.keeper = SessionKeeper(session, self.id, times=QUICK)
        self._executions, self._leases = Executions(session), Leases(session, NAMESPACE)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Gateway"]:
        """For 100 s at most. The end of its loops tells nobody, as if it were killed."""
        task = asyncio.create_task(self.keeper.run())
        try:
            async with asyncio.timeout(100):
                yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def execute(self, name: str, session_id: str, on_disconnect: str) -> ClaudeExecution:
        owned = await self.keeper.begin(session_id)
        body = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "command": ["sleep", "600"],
                "terminationGracePeriodSeconds": 1,
                "onDisconnect": on_disconnect,
                "session": owned.model_dump(),
            },
        }
        made = await self._executions.create(NAMESPACE, body)
        claimed = await self.keeper.claim(made, session_id)
        assert claimed.metadata.generation == 1  # at no cost
        return claimed

    async def lease(self) -> Lease | None:
        leases = await self._leases.list(SELECTOR)
        return next((lease for lease in leases if lease.name == self.id), None)

    async def has_no_lease(self) -> bool:
        return await self.lease() is None

    async def renewed(self, times: int) -> None:
        seen = set[str]()
        while len(seen) < times:
            lease = await self.lease()
            assert lease is not None
            seen.add(lease.renewed)


async def the(session: KubeSession, name: str, phase: Phase) -> ClaudeExecution:
    while True:
        execution = await Executions(session).get(NAMESPACE, name)
        if execution.status.phase is phase:
            return execution
        assert not execution.status.phase.is_terminal, execution.status


async def a_wish_to_end(session: KubeSession, name: str) -> bool:
    execution = await Executions(session).get(NAMESPACE, name)
    return execution.spec.desired_state is DesiredState.CANCELLED


async def test_what_a_dead_gateway_leaves_is_cancelled_in_time_and_a_detached_one_goes_on(
    session: KubeSession, operator: Child
) -> None:
    async with Gateway(session).running() as gateway:
        await gateway.execute("tied", "s1", "Cancel")
        await gateway.execute("loose", "s1", "Detach")
        for name in ("tied", "loose"):
            await the(session, name, Phase.RUNNING)
        await gateway.renewed(40)  # 8 s: it lives, and so do they
        await the(session, "tied", Phase.RUNNING)
    ended = await the(session, "tied", Phase.CANCELLED)
    assert ended.status.reason == "SessionClosed"
    assert ended.spec.desired_state is DesiredState.RUNNING  # the spec is not the operator's
    await eventually(gateway.has_no_lease)  # nobody names it any more
    while (loose := await the(session, "loose", Phase.RUNNING)).status.process is None:
        pass  # it may run a moment before it is known
    assert loose.status.reason == "Started"


async def test_what_another_gateway_takes_over_goes_on_when_the_first_is_gone(
    session: KubeSession, operator: Child
) -> None:
    async with Gateway(session).running() as second:
        async with Gateway(session).running() as first:
            await first.execute("moved", "s1", "Cancel")
            execution = await the(session, "moved", Phase.RUNNING)
        with pytest.raises(SessionRefused, match="another session"):
            await second.keeper.take_over(execution, "s2", "s2")
        moved = await second.keeper.take_over(execution, "s1", "s2")
        assert moved.spec.session is not None
        assert (moved.spec.session.id, moved.spec.session.gateway) == ("s1", second.id)
        await eventually(first.has_no_lease)  # the operator has given it up
        await the(session, "moved", Phase.RUNNING)


async def test_who_leaves_is_cancelled_after_a_while_and_the_lease_goes_with_the_session(
    session: KubeSession,
) -> None:
    async with Gateway(session).running() as gateway:
        await gateway.execute("tied", "s1", "Cancel")
        await gateway.execute("loose", "s1", "Detach")
        await gateway.execute("kept", "s2", "Cancel")
        gateway.keeper.closed("s1")
        await eventually(lambda: a_wish_to_end(session, "tied"))
        tied = await Executions(session).get(NAMESPACE, "tied")
        assert tied.spec.session is not None
        assert tied.spec.session.gateway is None
        assert not await a_wish_to_end(session, "loose")
        assert not await a_wish_to_end(session, "kept")
        assert await gateway.lease() is not None
        gateway.keeper.ended(await Executions(session).get(NAMESPACE, "kept"))
        await eventually(gateway.has_no_lease)


async def test_a_session_that_moved_or_came_back_is_not_cancelled_by_its_old_socket(
    session: KubeSession,
) -> None:
    async with Gateway(session).running() as first, Gateway(session).running() as second:
        moved = await first.execute("moved", "s1", "Cancel")
        back = await first.execute("back", "s2", "Cancel")
        await first.execute("left", "s3", "Cancel")
        await second.keeper.take_over(moved, "s1", "new")
        await first.keeper.take_over(back, "s2", "new")
        for session_id in ("s1", "s2", "s3"):
            first.keeper.closed(session_id)
        await eventually(lambda: a_wish_to_end(session, "left"))
        assert not await a_wish_to_end(session, "moved")
        assert not await a_wish_to_end(session, "back")


async def test_only_one_of_two_gateways_wins_and_the_other_sees_it(session: KubeSession) -> None:
    async with Gateway(session).running() as first, Gateway(session).running() as second:
        seen = await first.execute("e", "s1", "Cancel")
        let_go = {"desiredState": "Cancelled", "session": {"gateway": None}}
        await Executions(session).change_spec(seen, let_go)
        late = await second.keeper.take_over(seen, "s1", "new")  # by what it saw before
        assert late.spec.desired_state is DesiredState.CANCELLED
        with pytest.raises(ApiError) as caught:
            await Executions(session).change_spec(seen, let_go)
        assert caught.value.is_conflict


async def test_a_lease_is_made_renewed_and_only_deleted_as_it_was_seen(
    session: KubeSession,
) -> None:
    leases, lasts = Leases(session, NAMESPACE), timedelta(seconds=15)
    for second in (1, 2):
        now = datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)
        await leases.renew("g", duration=lasts, labels=LABELS, now=now)
    (lease,) = await leases.list(SELECTOR)
    assert (lease.name, lease.duration) == ("g", lasts)
    assert lease.renewed == "2026-01-01T00:00:02.000000Z"
    await leases.renew("g", duration=lasts, labels=LABELS, now=datetime.now(UTC))
    await leases.delete(lease)
    (lease,) = await leases.list(SELECTOR)
    await leases.delete(lease)
    await leases.remove("g")
    assert await leases.list(SELECTOR) == ()
