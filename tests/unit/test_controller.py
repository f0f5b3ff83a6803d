import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from ccx_operator.controller import ConflictError, Controller, DoesNotSettleError
from ccx_operator.store import Store
from ccx_operator.work_queue import Schedule, WorkQueue
from support.reconciling import NOW, UID, a_pod, a_snapshot, an_execution, claude, ended, was
from support.recording_cluster import NoMeter, RecordingCluster


class Operator:
    """Store, queue and controller on a recording cluster."""

    def __init__(self, cluster: RecordingCluster) -> None:
        self.cluster, self.store = cluster, Store()
        self.queue = WorkQueue(Schedule(first_delay=0.001))
        self.now = NOW
        self.controller = Controller(
            self.store, self.queue, cluster, NoMeter(), now=lambda: self.now
        )
        if cluster.execution is not None:
            self.store.saw_execution(cluster.execution)

    async def see(self, **pod: object) -> None:
        assert self.cluster.pod is not None
        self.cluster.pod = replace(
            self.cluster.pod,
            version=self.cluster.pod.version + 1,
            **pod,  # type: ignore[arg-type]
        )
        self.store.saw_pod(self.cluster.pod, self.now)
        await self.controller.reconcile(UID)

    @property
    def status(self) -> str:
        assert self.cluster.execution is not None
        status = self.cluster.execution.status
        return f"{status.phase} {status.reason}"


def an_operator(**spec: object) -> Operator:
    cluster = RecordingCluster(an_execution(finalizer=False, **spec))  # type: ignore[arg-type]
    cluster.new_pod = a_pod()
    return Operator(cluster)


async def test_a_plain_run_costs_four_writes_to_the_execution_and_its_pod() -> None:
    operator = an_operator()
    await operator.controller.reconcile(UID)
    assert operator.status == "Starting PodCreated"
    running = a_pod(running=True)
    await operator.see(phase="Running", agent=running.agent)
    await operator.see(ready=True)
    assert operator.status == "Running Started"
    await operator.see(node="n1")
    last = a_pod(exit_code=0, agent={"last_words": ended(**claude())})
    await operator.see(ready=False, agent=last.agent)
    await operator.see(phase="Succeeded")
    assert operator.status == "Succeeded Completed"
    assert "RemoveFinalizer" not in operator.cluster.calls
    operator.store.usage_settled(UID)
    await operator.controller.reconcile(UID)

    finalizer = {"AddFinalizer": 1, "RemoveFinalizer": 1}
    assert operator.cluster.writes == {"CreatePod": 1, "patch_status": 3, **finalizer}
    told = [event["reason"] for event in operator.cluster.events]
    assert told == ["PodCreated", "Started", "Completed"]


@pytest.mark.parametrize("phase", ["Starting", "Running", "Paused"])
async def test_after_a_restore_of_etcd_what_has_lost_its_pod_does_not_run_again(
    phase: str,
) -> None:
    """Uid and status are the old ones: the status says that there was a pod."""
    operator = Operator(RecordingCluster(an_execution(status=was(phase))))
    operator.cluster.new_pod = a_pod()
    await operator.controller.reconcile(UID)
    assert operator.status == "Failed PodLost"
    assert "CreatePod" not in operator.cluster.calls


async def test_a_copy_is_told_once_and_runs_when_its_mark_is_taken_away() -> None:
    copy = an_execution(finalizer=True, started_as="another")
    operator = Operator(RecordingCluster(copy))
    operator.cluster.new_pod = a_pod()
    for _ in range(2):
        await operator.controller.reconcile(UID)
    assert operator.status == "Queued Restored"
    assert operator.cluster.writes == {"patch_status": 1, "RemoveFinalizer": 1}
    (event,) = operator.cluster.events
    assert (event["type"], event["reason"]) == ("Warning", "Restored")

    assert operator.cluster.execution is not None
    metadata = operator.cluster.execution.metadata.model_copy(update={"annotations": {}})
    operator.store.saw_execution(operator.cluster.change(metadata=metadata))
    await operator.controller.reconcile(UID)
    assert operator.status == "Starting PodCreated"


async def test_a_watch_that_lags_behind_our_own_writes_costs_nothing() -> None:
    operator = an_operator()
    before = operator.cluster.execution
    assert before is not None
    await operator.controller.reconcile(UID)
    writes = operator.cluster.writes
    for _ in range(3):
        operator.store.saw_execution(before)
        operator.store.saw_pod(a_pod(version=1), NOW)
        await operator.controller.reconcile(UID)
    assert operator.cluster.writes == writes


async def test_a_conflict_is_decided_anew_on_the_newest_object_in_its_turn() -> None:
    operator = an_operator()
    spec = an_execution(desired="Cancelled").spec
    operator.cluster.change(spec=spec)  # before the finalizer could be added
    await operator.controller.reconcile(UID)
    assert operator.status == "Queued "
    assert operator.queue.depth == 1
    await operator.controller.reconcile(UID)
    assert operator.status == "Cancelled CancelledByUser"
    assert "CreatePod" not in operator.cluster.calls


async def test_an_object_that_is_gone_gets_no_pod() -> None:
    operator = an_operator()
    operator.cluster.execution = None
    await operator.controller.reconcile(UID)
    assert operator.cluster.calls == ["AddFinalizer"]
    assert operator.store.execution(UID) is None


async def test_a_pause_costs_one_message_and_one_patch() -> None:
    operator = an_operator()
    await operator.controller.reconcile(UID)
    operator.cluster.snapshot = a_snapshot()
    await operator.see(phase="Running", ready=True, agent=a_pod(running=True).agent)
    operator.cluster.calls.clear()

    operator.store.saw_execution(
        operator.cluster.change(
            spec=an_execution(desired="Paused").spec,
            metadata=operator.cluster.execution.metadata.model_copy(update={"generation": 2}),  # type: ignore[union-attr]
        )
    )
    operator.cluster.snapshot = a_snapshot("Paused", generation=2)
    await operator.controller.reconcile(UID)
    await operator.see(ready=False)
    assert operator.status == "Paused PausedByUser"
    assert operator.cluster.calls == ["Deliver", "patch_status"]


async def test_what_never_settles_is_an_error_and_not_a_busy_loop() -> None:
    status = was("Running", "Started")
    cluster = RecordingCluster(an_execution(desired="Paused", generation=2, status=status))
    cluster.pod, cluster.snapshot = a_pod(running=True), a_snapshot()  # never applies a wish
    operator = Operator(cluster)
    operator.store.saw_pod(a_pod(running=True), NOW)
    with pytest.raises(DoesNotSettleError):
        await operator.controller.reconcile(UID)
    assert len(cluster.calls) == 8


async def test_a_deadline_is_a_timer_of_the_queue() -> None:
    operator = an_operator(startDeadlineSeconds=60)
    operator.cluster.new_pod = replace(a_pod(), created_at=NOW)
    await operator.controller.reconcile(UID)
    operator.now = NOW + timedelta(seconds=60)
    await operator.controller.reconcile(UID)
    assert operator.status == "Failed StartDeadlineExceeded"
    assert operator.cluster.calls[-1] == "DeletePod"


@asynccontextmanager
async def running(operator: Operator) -> AsyncIterator[None]:
    task = asyncio.create_task(operator.controller.run(workers=2))
    try:
        async with asyncio.timeout(60):
            yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_failed_reconcile_is_repeated_and_does_not_stop_the_loop() -> None:
    operator = an_operator()
    operator.cluster.errors.extend([ConnectionError(), ConflictError(), ConnectionError()])
    async with running(operator):
        operator.queue.add("nobody")
        operator.queue.add(UID)
        while operator.status != "Starting PodCreated":  # noqa: ASYNC110  bounded by running()
            await asyncio.sleep(0)
    assert operator.cluster.writes["CreatePod"] == 1
