"""The whole way: session, pods and link, through devcluster's exec, to a real runner in a pod."""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ccx_api.names import (
    LABEL_EXECUTION_UID,
)
from ccx_api.snapshot import Snapshot
from ccx_api.v1alpha1 import DesiredState
from ccx_api.wish import Wish
from ccx_kube.errors import ApiError, LinkLost, LinkRefused
from ccx_kube.events import Events
from ccx_kube.link import End, Item, Output, RunnerLink
from ccx_kube.pods import Pods
from ccx_kube.session import KubeSession
from devcluster.server import running_devcluster
from support.agent_pod import an_agent_pod
from support.links import until

NAMESPACE = "default"
COUNT = (
    sys.executable,
    "-c",
    "import itertools, time\nfor i in itertools.count(): print(i, flush=True); time.sleep(0.01)",
)
WRITE = (sys.executable, "-c", "for i in range(50_000): print(f'{i:08d}', 'x' * 90)")


@pytest.fixture
async def session() -> AsyncIterator[KubeSession]:
    path = [str(Path(sys.executable).parent)]
    async with (
        asyncio.timeout(180),
        running_devcluster(path=path) as cluster,
        await KubeSession.from_environment(str(cluster.kubeconfig)) as session,
    ):
        yield session


async def the_phase(pods: Pods, *wanted: str) -> dict[str, Any]:
    """Asked again and again: the test has a time limit."""
    while True:
        pod = await pods.get(NAMESPACE, "p")
        assert pod is not None
        if pod["status"].get("phase") in wanted:
            return pod


async def open_link(session: KubeSession, **options: Any) -> RunnerLink:
    """Tried again until the runner listens: its container runs a little before that."""
    while True:
        try:
            return await RunnerLink.open(session, NAMESPACE, "p", **options)
        except LinkLost as lost:
            if "no runner at" not in str(lost):
                raise


@asynccontextmanager
async def a_link(
    session: KubeSession, *command: str, desired: str = "Running", **options: Any
) -> AsyncIterator[RunnerLink]:
    await Pods(session).create(NAMESPACE, an_agent_pod(*command, desired=desired))
    await the_phase(Pods(session), "Running")
    async with await open_link(session, **options) as link:
        yield link


async def test_a_process_is_paused_continued_and_cancelled_by_generation(
    session: KubeSession,
) -> None:
    pushed: list[Snapshot] = []
    async with a_link(session, *COUNT, on_snapshot=pushed.append) as link:
        await until(lambda: link.snapshot.state == "Running")
        paused = await link.pause(Wish(generation=2, desired_state=DesiredState.PAUSED))
        assert (paused.state, paused.generation) == ("Paused", 2)
        assert paused.control is not None
        assert paused.control.proven
        with pytest.raises(LinkRefused, match="stale generation"):
            await link.resume(Wish(generation=1))
        resumed = await link.resume(Wish(generation=3))
        assert (resumed.state, resumed.generation) == ("Running", 3)
        await link.cancel(Wish(generation=4, desired_state=DesiredState.CANCELLED))
        await until(lambda: link.snapshot.state == "Ended")
    assert link.snapshot.ended_by == "Cancel"
    assert [s.state for s in pushed if s.state == "Paused"]
    pod = await the_phase(Pods(session), "Failed")
    (status,) = pod["status"]["containerStatuses"]
    last = Snapshot.model_validate_json(status["state"]["terminated"]["message"].splitlines()[0])
    assert last.ended_by == "Cancel"


async def test_five_megabytes_come_byte_for_byte_and_the_runner_ends_when_they_are_taken(
    session: KubeSession,
) -> None:
    digest, items = hashlib.sha256(), list[Item]()
    async with a_link(session, *WRITE, desired="Paused") as link:
        following = link.follow()
        await link.resume(Wish(generation=2))
        async for item in following:
            items.append(item)
            if isinstance(item, Output):
                digest.update(item.data)
        await until(lambda: not link.is_open)
    assert items[-1] == End(5_000_000)
    assert link.snapshot.output.sha256 == digest.hexdigest()
    await the_phase(Pods(session), "Succeeded")


async def test_a_pod_that_goes_takes_its_link_along(session: KubeSession) -> None:
    closed, pods = asyncio.Queue[str](), Pods(session)
    async with a_link(session, *COUNT, on_closed=closed.put_nowait) as link:
        pod = await pods.get(NAMESPACE, "p")
        assert pod is not None
        with pytest.raises(ApiError):
            await pods.create(NAMESPACE, an_agent_pod())
        await pods.delete(NAMESPACE, "p", "another-uid")
        assert link.is_open
        await pods.delete(NAMESPACE, "p", pod["metadata"]["uid"])
        assert "exited" in await closed.get()
    while await pods.get(NAMESPACE, "p") is not None:
        pass
    await pods.delete(NAMESPACE, "p", pod["metadata"]["uid"])


async def test_pods_are_found_by_their_execution(session: KubeSession) -> None:
    pods = Pods(session)
    for name in ("a", "b"):
        await pods.create(NAMESPACE, an_agent_pod("true", name=name))
    found = [pod async for pod in pods.listed(f"{LABEL_EXECUTION_UID}=a")]
    assert [pod["metadata"]["name"] for pod in found] == ["a"]
    assert len([pod async for pod in pods.listed(LABEL_EXECUTION_UID, NAMESPACE)]) == 2


async def test_the_same_event_twice_is_one(session: KubeSession) -> None:
    about = {"kind": "Pod", "namespace": NAMESPACE, "name": "p"}
    event = {"metadata": {"name": "p.1"}, "involvedObject": about, "reason": "Started"}
    for _ in range(2):
        await Events(session).create(NAMESPACE, {"apiVersion": "v1", "kind": "Event", **event})


async def test_a_link_to_no_pod_says_so(session: KubeSession) -> None:
    with pytest.raises(LinkLost, match='pods "none" not found'):
        await RunnerLink.open(session, NAMESPACE, "none")
