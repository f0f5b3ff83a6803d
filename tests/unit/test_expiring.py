"""spec.ttlSecondsAfterFinished: what is deleted, when, and how fast."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_kube.errors import ApiError
from ccx_operator.expiring import Expiring
from ccx_operator.settled import Expiry, expiry_in, expiry_of
from ccx_operator.store import Store
from ccx_operator.work_queue import Schedule, WorkQueue
from support.reconciling import NOW, UID, ago, an_execution, was
from support.recording_cluster import NoMeter


def ended(
    *, seconds_ago: float = 100, ttl: int | None = 60, version: int = 7, **facts: Any
) -> ClaudeExecution:
    status = was("Succeeded", "Completed", completionTime=ago(seconds_ago))
    spec = {} if ttl is None else {"ttlSecondsAfterFinished": ttl}
    execution = an_execution(status=status, **{"finalizer": False, **spec, **facts})
    metadata = execution.metadata.model_copy(update={"resource_version": str(version)})
    return execution.model_copy(update={"metadata": metadata})


class Deletions:
    """An API server that is asked for nothing else."""

    def __init__(self, *answers: Exception) -> None:
        self.answers, self.asked = list(answers), list[tuple[str, str, str, str]]()

    async def delete(self, namespace: str, name: str, *, uid: str, version: str) -> None:
        self.asked.append((namespace, name, uid, version))
        if self.answers:
            raise self.answers.pop(0)


class Expirer:
    """Time is a value here: it runs from NOW on, when somebody passes it."""

    def __init__(self, *answers: Exception) -> None:
        self.now, self.store = NOW, Store()
        self.deletions = Deletions(*answers)
        schedule = Schedule(first_delay=1)
        self.queue = WorkQueue(schedule, clock=lambda: self.now.timestamp())
        self.expiring = Expiring(
            self.store, self.queue, self.deletions, NoMeter(), now=lambda: self.now
        )

    async def step(self, seconds: float = 0.1) -> bool | None:
        """So many seconds later. None: nothing is due."""
        self.now += timedelta(seconds=seconds)
        step = asyncio.ensure_future(self.expiring.step())
        for _ in range(5):
            await asyncio.sleep(0)
        if step.done():
            return step.result()
        step.cancel()
        return None


DELETED = ("ns", "e1", UID, "7")


def test_of_the_body_and_of_the_model_the_same_is_kept() -> None:
    execution = ended(ttl=60)
    assert expiry_of(execution) == Expiry("ns", "e1", ago(40).timestamp(), "7")
    body = execution.model_dump(mode="json", exclude_none=True)
    assert expiry_in(body) == expiry_of(execution)


@pytest.mark.parametrize("execution", [ended(ttl=None), ended(deleted=1)])
def test_what_has_no_ttl_or_is_deleted_already_is_left_alone(execution: ClaudeExecution) -> None:
    body = execution.model_dump(mode="json", exclude_none=True)
    assert (expiry_of(execution), expiry_in(body)) == (None, None)


async def test_what_is_overdue_is_deleted_as_it_was_seen() -> None:
    expirer = Expirer()
    expirer.store.saw_execution(ended())
    assert await expirer.step() is True
    assert expirer.deletions.asked == [DELETED]
    assert await expirer.step(9999) is None


async def test_zero_is_at_once() -> None:
    expirer = Expirer()
    expirer.store.saw_execution(ended(seconds_ago=0, ttl=0))
    assert await expirer.step() is True


async def test_nothing_is_deleted_before_its_time() -> None:
    expirer = Expirer()
    expirer.store.saw_execution(ended(seconds_ago=0, ttl=60))
    assert await expirer.step(59) is None
    assert await expirer.step(2) is True


async def test_what_its_finalizer_holds_is_not_deleted() -> None:
    expirer = Expirer()
    expirer.store.saw_execution(ended(finalizer=True))
    assert await expirer.step() is None


async def test_a_later_time_replaces_the_earlier_one_and_an_earlier_the_later() -> None:
    expirer = Expirer()
    expirer.store.saw_execution(ended(seconds_ago=0, ttl=60, version=7))
    expirer.store.saw_execution(ended(seconds_ago=0, ttl=120, version=8))
    assert await expirer.step(61) is False
    assert await expirer.step(29) is None
    expirer.store.saw_execution(ended(seconds_ago=0, ttl=1, version=9))
    assert await expirer.step() is True
    assert expirer.deletions.asked == [(*DELETED[:3], "9")]


async def test_a_ttl_that_is_taken_back_deletes_nothing() -> None:
    expirer = Expirer()
    expirer.store.saw_execution(ended(seconds_ago=0, ttl=60, version=7))
    expirer.store.saw_execution(ended(seconds_ago=0, ttl=None, version=8))
    assert await expirer.step(61) is False
    assert expirer.deletions.asked == []


async def test_an_old_list_does_not_bring_an_old_time_back() -> None:
    expirer = Expirer()
    expirer.store.saw_execution(ended(seconds_ago=0, ttl=60, version=10))
    expirer.store.saw_execution(ended(seconds_ago=0, ttl=1, version=9))
    assert await expirer.step(2) is None


async def test_what_somebody_else_has_deleted_is_forgotten() -> None:
    expirer = Expirer()
    expirer.store.saw_execution(ended())
    expirer.store.execution_deleted(UID)
    assert await expirer.step() is False
    assert expirer.deletions.asked == []
    assert expirer.store.expiry(UID) is None


@pytest.mark.parametrize(
    "error", [ApiError(409, "Conflict", "changed"), ApiError(500, "", ""), ConnectionError()]
)
async def test_a_deletion_that_fails_is_repeated_later_and_stops_no_other(error: Exception) -> None:
    expirer = Expirer(error)
    expirer.store.saw_execution(ended())
    other = ended().model_copy(
        update={"metadata": ended().metadata.model_copy(update={"uid": "other", "name": "e2"})}
    )
    expirer.store.saw_execution(other)
    assert await expirer.step() is True
    assert await expirer.step() is True
    assert await expirer.step(0.5) is None
    assert await expirer.step(1) is True
    assert [name for _, name, _, _ in expirer.deletions.asked] == ["e1", "e2", "e1"]


async def test_a_far_time_is_looked_at_again_so_that_no_timer_is_kept_for_what_has_gone() -> None:
    expirer = Expirer()
    expirer.store.saw_execution(ended(seconds_ago=0, ttl=30 * 86_400))
    assert await expirer.step(3601) is False
    expirer.store.execution_deleted(UID)
    assert await expirer.step(3601) is False
    assert await expirer.step(30 * 86_400) is None


async def test_deletions_are_apart() -> None:
    store, deletions, loop = Store(), Deletions(), asyncio.get_running_loop()
    expiring = Expiring(store, WorkQueue(), deletions, NoMeter(), now=lambda: NOW, per_second=20)
    for number in range(3):
        metadata = ended().metadata.model_copy(update={"uid": str(number)})
        store.saw_execution(ended().model_copy(update={"metadata": metadata}))
    started, task = loop.time(), asyncio.create_task(expiring.run())
    async with asyncio.timeout(60):
        while len(deletions.asked) < 3:  # noqa: ASYNC110  bounded by the timeout
            await asyncio.sleep(0)
    task.cancel()
    assert loop.time() - started >= 2 / 20
