from collections.abc import AsyncGenerator
from typing import Any

import pytest

from ccx_api.names import LABEL_EXECUTION_UID
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.facts import PodFacts
from ccx_operator.observed import Gone
from ccx_operator.resync import Resync
from ccx_operator.store import Store
from ccx_operator.work_queue import WorkQueue
from support.reconciling import NOW, POD, POD_UID, UID, a_pod, an_execution, was
from support.recording_cluster import RecordingCluster

BODY = {
    "metadata": {
        "name": POD,
        "uid": POD_UID,
        "labels": {LABEL_EXECUTION_UID: UID},
        "ownerReferences": [{"uid": UID, "controller": True}],
    }
}


class Lists:
    def __init__(self, *executions: ClaudeExecution, pods: tuple[dict[str, Any], ...] = ()) -> None:
        self._executions, self._pods = executions, pods
        self.asked: list[str | None] = []

    async def listed(self, *args: Any) -> AsyncGenerator[Any, None]:
        if args[0] != LABEL_EXECUTION_UID:
            self.asked.append(args[0])
        for item in self._pods if args[0] == LABEL_EXECUTION_UID else self._executions:
            yield item


def a_resync(
    store: Store, lists: Lists, cluster: RecordingCluster, namespaces: tuple[str, ...] = ()
) -> tuple[Resync, WorkQueue]:
    queue = WorkQueue()
    resync = Resync(store, queue, cluster, lists, lists, namespaces=namespaces, now=lambda: NOW)
    return resync, queue


def a_store() -> Store:
    store = Store()
    store.saw_execution(an_execution(status=was("Running", "Started")))
    store.saw_pod(a_pod(running=True), NOW)
    return store


@pytest.mark.parametrize("there", [True, False])
async def test_a_pod_that_a_list_does_not_name_is_read_again(there: bool) -> None:
    store, cluster = a_store(), RecordingCluster(an_execution())
    cluster.pod = a_pod(running=True, version=6) if there else None
    resync, queue = a_resync(store, Lists(an_execution()), cluster)
    await resync.compare()
    assert cluster.calls == ["ConfirmPod"]
    assert isinstance(store.observe(UID).pod, PodFacts if there else Gone)
    assert queue.depth == 1


async def test_what_the_lists_name_is_known_afterwards() -> None:
    store, cluster = Store(), RecordingCluster(an_execution())
    resync, _ = a_resync(store, Lists(an_execution(), pods=(BODY,)), cluster)
    await resync.compare()
    assert store.uids() == {UID}
    assert isinstance(store.observe(UID).pod, PodFacts)
    assert cluster.calls == []


async def test_an_execution_that_vanished_unseen_is_forgotten() -> None:
    store = a_store()
    resync, _ = a_resync(store, Lists(), RecordingCluster(an_execution()))
    await resync.compare()
    assert store.uids() == set()


async def test_only_the_watched_namespaces_are_listed() -> None:
    lists = Lists()
    resync, _ = a_resync(Store(), lists, RecordingCluster(an_execution()), ("a", "b"))
    await resync.compare()
    assert lists.asked == ["a", "b"]
