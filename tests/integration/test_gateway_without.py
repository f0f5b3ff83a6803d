"""The gateway where something that it needs is missing: the operator, or the link to a runner."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ccx_api.names import API_VERSION, KIND
from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution, DesiredState
from ccx_gateway.allow_list import AllowList
from ccx_gateway.audit import Who
from ccx_gateway.caller import Anybody
from ccx_gateway.control import Control, Proof
from ccx_gateway.errors import ExecutionFinished, SignalNotDelivered, StreamTimeout, error_object
from ccx_gateway.execute import Executor
from ccx_gateway.feeds import Feeds
from ccx_gateway.lease import new_gateway_id
from ccx_gateway.metrics import Metrics
from ccx_gateway.open_links import OpenLinks
from ccx_gateway.outbox import Message, Outbox
from ccx_gateway.params import ControlType, Execute, parse
from ccx_gateway.permission import Permission
from ccx_gateway.services import Services
from ccx_gateway.session import Session
from ccx_gateway.session_keeper import SessionKeeper
from ccx_gateway.stream_metrics import StreamMetrics
from ccx_gateway.watcher import Watcher, has_process
from ccx_kube.executions import Executions
from ccx_kube.session import KubeSession
from devcluster.server import Devcluster, running_devcluster
from support.api_server import a_kubeconfig
from support.outside import below, running
from support.small_cluster import BIN, NAMESPACE, a_session, an_operator
from support.wire import AWire

NOWHERE = "http://127.0.0.1:1"
TREE = ["sh", "-c", "sleep 600 & sleep 600 & wait"]


@pytest.fixture
async def cluster() -> AsyncIterator[Devcluster]:
    async with asyncio.timeout(120), running_devcluster(path=[str(BIN)]) as cluster:
        yield cluster


@pytest.fixture
async def session(cluster: Devcluster) -> AsyncIterator[KubeSession]:
    async with a_session(cluster) as session:
        yield session


@pytest.fixture
async def no_links(tmp_path: Path) -> AsyncIterator[OpenLinks]:
    """Nobody answers where this gateway would open them."""
    kubeconfig = a_kubeconfig(tmp_path, NOWHERE)
    async with await KubeSession.from_environment(kubeconfig) as session:
        yield OpenLinks(session)


def the_services(session: KubeSession, feeds: Feeds, links: OpenLinks) -> Services:
    executions = Executions(session)
    watcher = Watcher(executions)
    return Services(
        namespace=NAMESPACE,
        allow_list=AllowList.of({}),
        executions=executions,
        watcher=watcher,
        feeds=feeds,
        links=links,
        control=Control(executions, watcher, links),
        keeper=SessionKeeper(session, new_gateway_id()),
        metrics=Metrics(sessions=lambda: 0, links=lambda: 0),
    )


async def made(session: KubeSession, *command: str, **spec: Any) -> ClaudeExecution:
    body = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "x", "namespace": NAMESPACE},
        "spec": {"command": command, "terminationGracePeriodSeconds": 1, **spec},
    }
    return await Executions(session).create(NAMESPACE, body)


async def send_nothing(message: Message) -> None:
    raise AssertionError(f"nothing is to be told yet: {message!r}")


async def test_what_no_operator_starts_is_a_stream_timeout_and_is_cancelled(
    session: KubeSession,
) -> None:
    links, held = OpenLinks(session), Session(executions=1)
    async with Feeds(session, links.open) as feeds:
        services = the_services(session, feeds, links)
        permission = Permission(Anybody(), Who("s", "peer", ""), lambda _: None)
        outbox = Outbox(AWire(send_nothing), StreamMetrics())
        executor = Executor(services, held, outbox, permission, operator_seconds=0.2)
        params = {"command": "true", "name": "x", "startDeadlineSeconds": 1}
        with pytest.raises(StreamTimeout, match=r"no process within 1.2 s") as caught:
            await executor.execute(parse(Execute, params))
        held.reserve()  # the session may be used again
    assert error_object(caught.value)["code"] == -32004
    left = await Executions(session).get(NAMESPACE, "x")
    assert left.spec.desired_state is DesiredState.CANCELLED


async def test_a_wish_that_nobody_carries_out_is_recorded_and_told_as_such(
    session: KubeSession,
) -> None:
    execution, executions = await made(session, "true"), Executions(session)
    control = Control(executions, Watcher(executions), OpenLinks(session), status_seconds=0.2)
    with pytest.raises(SignalNotDelivered, match=r"PAUSE is recorded .* it has no pod") as caught:
        await control.carry_out(execution, ControlType.PAUSE)
    assert error_object(caught.value)["data"]["retryable"]
    left = await executions.get(NAMESPACE, "x")
    assert left.spec.desired_state is DesiredState.PAUSED


async def test_without_a_link_the_operator_carries_a_wish_out_and_its_status_is_the_proof(
    cluster: Devcluster, session: KubeSession, no_links: OpenLinks, tmp_path: Path
) -> None:
    executions = Executions(session)
    watcher = Watcher(executions)
    control = Control(executions, watcher, no_links)
    with an_operator(cluster, tmp_path / "operator.log"):
        runs = await watcher.until(await made(session, *TREE), has_process)
        assert runs.status.process is not None
        pid = runs.status.process.pid
        assert pid is not None

        paused = await control.carry_out(runs, ControlType.PAUSE)
        assert running(below(pid)) == []
        assert paused.latency_millis is not None
        assert paused == Proof(pid, pid, len(below(pid)) + 1, paused.latency_millis)

        resumed = await control.carry_out(runs, ControlType.RESUME)
        assert resumed.pid == pid
        assert (await executions.get(NAMESPACE, "x")).status.phase is Phase.RUNNING

        await control.carry_out(runs, ControlType.CANCEL)
        over = await executions.get(NAMESPACE, "x")
        assert over.status.phase is Phase.CANCELLED
        with pytest.raises(ExecutionFinished, match="Cancelled/CancelledByUser"):
            await control.carry_out(over, ControlType.PAUSE)
