"""Two operators on devcluster: who leads after a SIGTERM, a SIGKILL and a SIGSTOP, and what a
leader does that was stopped for longer than its Lease lasts: nothing.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ccx_api.names import API_VERSION, FINALIZER, KIND, OPERATOR_LEASE
from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_dev.child import Child
from ccx_kube.executions import Executions
from ccx_kube.leases import Lease, Leases
from ccx_kube.pods import Pods
from ccx_kube.session import KubeSession
from ccx_operator.pod_spec import Images, pod_body
from devcluster.history import Change
from devcluster.server import Devcluster, running_devcluster
from support.small_cluster import BIN, NAMESPACE, a_session, an_operator

FAIL_OVER_SECONDS = 60.0
"""10 to 12 where the machine has nothing else to do."""

END_SECONDS = 60.0
POLL_SECONDS = 0.05
UNTIL_TOLD = ["sh", "-c", "while [ ! -e go ]; do sleep 0.1; done"]


@pytest.fixture
async def cluster() -> AsyncIterator[Devcluster]:
    async with running_devcluster(path=[str(BIN)]) as cluster:
        yield cluster


@pytest.fixture
async def session(cluster: Devcluster) -> AsyncIterator[KubeSession]:
    async with asyncio.timeout(240), a_session(cluster) as session:
        yield session


class Operators:
    """One of them leads, by the Lease."""

    def __init__(self, cluster: Devcluster, session: KubeSession, directory: Path) -> None:
        self._cluster, self._directory = cluster, directory
        self._leases = Leases(session, NAMESPACE)

    @contextmanager
    def one(self, name: str) -> Iterator[Child]:
        words = ("--leader-elect", "--log-format", "text")
        with an_operator(self._cluster, self._directory / f"{name}.log", *words) as child:
            yield child

    async def lease(self) -> Lease | None:
        return await self._leases.get(OPERATOR_LEASE)

    async def leader(self, *, after: str = "") -> str:
        """Another than `after`, once there is one."""
        while True:
            lease = await self.lease()
            if lease is not None and lease.holder not in ("", after):
                return lease.holder
            await asyncio.sleep(POLL_SECONDS)

    async def stands_by(self, operator: Child) -> None:
        """It has seen who leads, and said so."""
        while "leads" not in operator.log_tail():  # noqa: ASYNC110 - it tells nobody else
            await asyncio.sleep(POLL_SECONDS)


@pytest.fixture
def operators(cluster: Devcluster, session: KubeSession, tmp_path: Path) -> Operators:
    return Operators(cluster, session, tmp_path)


class Writes:
    """What has been written to executions, and which pods were made."""

    def __init__(self, cluster: Devcluster) -> None:
        self.seen: list[str] = []
        self.pods: list[str] = []
        self._stop: tuple[int, int] | None = None
        cluster.store.listen(self._changed)

    def stop_at(self, count: int, pid: int) -> None:
        """SIGSTOP, before anybody else learns of that write."""
        self._stop = count, pid

    def _changed(self, change: Change) -> None:
        kind, name = change.resource.partition(".")[0], change.object["metadata"]["name"]
        if kind == "pods" and change.type == "ADDED":
            self.pods.append(name)
        elif kind != "claudeexecutions":
            return
        self.seen.append(f"{change.type} {kind} {name}")
        if self._stop is not None and len(self.seen) == self._stop[0]:
            os.kill(self._stop[1], signal.SIGSTOP)
            self._stop = None


class Holders:
    """Who has held the Lease, one after the other: nobody, where it was given back."""

    def __init__(self, cluster: Devcluster) -> None:
        self.seen: list[str] = []
        cluster.store.listen(self._changed)

    def _changed(self, change: Change) -> None:
        if change.object["metadata"]["name"] == OPERATOR_LEASE:
            holder = change.object["spec"].get("holderIdentity") or ""
            self.seen += [holder] if self.seen[-1:] != [holder] else []


async def create(
    session: KubeSession, name: str, command: list[str], **spec: object
) -> ClaudeExecution:
    body = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"command": command, "terminationGracePeriodSeconds": 1, **spec},
    }
    return await Executions(session).create(NAMESPACE, body)


async def the(session: KubeSession, name: str, phase: Phase) -> ClaudeExecution:
    while True:
        execution = await Executions(session).get(NAMESPACE, name)
        if execution.status.phase is phase:
            return execution
        assert not execution.status.phase.is_terminal, execution.status
        await asyncio.sleep(POLL_SECONDS)


async def is_settled(session: KubeSession, name: str, phase: Phase) -> None:
    """Nobody has anything to write any more."""
    while True:
        execution = await the(session, name, phase)
        if FINALIZER not in execution.metadata.finalizers:
            return
        await asyncio.sleep(POLL_SECONDS)


async def wish(session: KubeSession, name: str, state: str) -> None:
    await Executions(session).patch_spec(NAMESPACE, name, {"desiredState": state})


async def test_after_a_sigterm_another_leads_without_an_expiry(
    cluster: Devcluster, operators: Operators, session: KubeSession
) -> None:
    holders = Holders(cluster)
    with operators.one("a") as first:
        leader = await operators.leader()
        with operators.one("b") as second:
            await operators.stands_by(second)
            await create(session, "e", UNTIL_TOLD)
            await the(session, "e", Phase.RUNNING)
            assert await asyncio.to_thread(first.end) == 0
            assert holders.seen == [leader, "", await operators.leader(after=leader)]
            assert "released" in first.log_tail()
            await wish(session, "e", "Paused")
            await the(session, "e", Phase.PAUSED)
            lease = await operators.lease()
            assert lease is not None
            assert lease.transitions == 1


async def test_after_a_sigkill_another_leads_and_the_execution_ends_in_its_one_pod(
    cluster: Devcluster, operators: Operators, session: KubeSession
) -> None:
    writes = Writes(cluster)
    with operators.one("a") as first:
        leader = await operators.leader()
        with operators.one("b") as second:
            await operators.stands_by(second)
            await create(session, "e", ["sh", "-c", "sleep 1; echo done"])
            await the(session, "e", Phase.RUNNING)
            first.kill()
            began = time.monotonic()
            assert leader != await operators.leader(after=leader)
            assert time.monotonic() - began < FAIL_OVER_SECONDS
            ended = await the(session, "e", Phase.SUCCEEDED)
            assert (ended.status.output.bytes if ended.status.output else None) == 5
            assert len(writes.pods) == 1


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(2, id="the finalizer"),
        pytest.param(3, id="the pod"),
        pytest.param(4, id="a status"),
    ],
)
async def test_a_leader_that_was_stopped_at_a_write_for_longer_than_its_lease_does_no_more(
    cluster: Devcluster, operators: Operators, session: KubeSession, count: int
) -> None:
    writes = Writes(cluster)
    with operators.one("a") as stale:
        leader = await operators.leader()
        with operators.one("b") as second:
            await operators.stands_by(second)
            writes.stop_at(count, stale.pid)
            await create(session, "cancelled", UNTIL_TOLD)
            await operators.leader(after=leader)
            await wish(session, "cancelled", "Cancelled")
            await is_settled(session, "cancelled", Phase.CANCELLED)
            pods, before = list(writes.pods), list(writes.seen)
            os.kill(stale.pid, signal.SIGCONT)
            assert await asyncio.to_thread(stale.wait, END_SECONDS) == 1
            assert "LeadershipLostError (the Lease was not renewed" in stale.log_tail()
            assert (writes.pods, writes.seen) == (pods, before)
            assert len(pods) <= 1
            await create(session, "next", ["true"])
            await is_settled(session, "next", Phase.SUCCEEDED)


async def test_a_pod_whose_creation_the_server_held_back_until_after_the_end_goes(
    operators: Operators, session: KubeSession
) -> None:
    pods, images = Pods(session), Images("devcluster/runtime", "devcluster/runner")
    with operators.one("a"):
        execution = await create(session, "never", UNTIL_TOLD, desiredState="Cancelled")
        await is_settled(session, "never", Phase.CANCELLED)
        made = await pods.create(NAMESPACE, pod_body(execution, images))
        while (pod := await pods.get(NAMESPACE, made["metadata"]["name"])) is not None:
            assert pod["metadata"]["uid"] == made["metadata"]["uid"]
            await asyncio.sleep(POLL_SECONDS)
