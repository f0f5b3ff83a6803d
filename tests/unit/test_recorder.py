"""What an execution has used is recorded once, whatever crashes, and holds nobody for long."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

import pytest

from ccx_kube.errors import ApiError, Unreachable
from ccx_operator.recorder import APART_SECONDS, CONFLICTS, MAX_BATCH, PATIENCE_SECONDS
from ccx_operator.usage_record import recorded
from support.usage_cluster import CrashError, Life, UsageCluster

FORBIDDEN = ApiError(403, "Forbidden", 'User "o" cannot create resource "configmaps"')
GOING = ApiError(403, "Forbidden", "no", details={"causes": [{"reason": "NamespaceTerminating"}]})


async def test_many_ends_share_one_write() -> None:
    cluster = UsageCluster(*(f"u{n}" for n in range(100)))
    life = Life(cluster)
    life.ask()
    assert await life.recorder.step("ns")
    assert (cluster.writes, cluster.counted(), life.recorded) == (1, 100, 100)
    assert sorted(life.woken) == sorted(cluster.executions)


async def test_more_than_fit_into_one_write_take_the_next() -> None:
    cluster = UsageCluster(*(f"u{n}" for n in range(MAX_BATCH + 1)))
    life = Life(cluster)
    for _ in range(2):
        await life.live()
    assert (cluster.writes, cluster.counted()) == (2, MAX_BATCH + 1)


async def test_one_life_reads_no_execution_once_it_has_written() -> None:
    cluster = UsageCluster("a")
    life = Life(cluster)
    await life.live()
    cluster.ends("b", life)
    await life.live()
    assert cluster.calls == [
        *("get record", "get execution", "create"),
        *("get record", "replace"),
    ]


async def test_a_uid_is_forgotten_when_its_finalizer_has_gone() -> None:
    cluster = UsageCluster("a")
    life = Life(cluster)
    await life.live()
    assert recorded(cluster.record) == ("a",)
    cluster.ends("b", life)
    await life.live()
    assert recorded(cluster.record) == ("b",)


async def test_a_uid_of_an_earlier_life_is_kept_until_all_executions_have_been_listed() -> None:
    cluster = UsageCluster("a")
    earlier = Life(cluster)
    assert await earlier.live()
    for name, complete in (("c", False), ("d", True)):
        cluster.ends(name, earlier)
        life = Life(cluster)
        life.store.complete = complete
        await life.live()
        assert ("a" in recorded(cluster.record)) == (not complete)


async def crash_around(when: str, call: int) -> UsageCluster:
    """Three executions; the operator dies there, and another begins anew. Twice."""
    cluster = UsageCluster("a", "b", "c")

    def crash() -> None:
        raise CrashError

    for _ in range(2):
        getattr(cluster, when)[len(cluster.calls) + call] = crash
        with suppress(CrashError):
            await Life(cluster).live()
    cluster.before.clear()
    cluster.after.clear()
    await Life(cluster).live()
    return cluster


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("call", range(1, 8))
async def test_a_crash_around_any_call_counts_nobody_twice_and_misses_nobody(
    when: str, call: int
) -> None:
    cluster = await crash_around(when, call)
    assert cluster.counted() == 3
    assert not any(e.metadata.finalizers for e in cluster.executions.values())


async def test_who_is_recorded_but_still_held_is_not_forgotten_by_later_writes() -> None:
    cluster = UsageCluster("a")
    life = Life(cluster)
    life.ask()
    await life.recorder.step("ns")
    cluster.ends("b", life)
    life.ask()
    await life.recorder.step("ns")
    await Life(cluster).live()
    assert cluster.counted() == 2


async def test_who_is_recorded_is_not_forgotten_by_one_who_has_not_heard_of_it_yet() -> None:
    cluster = UsageCluster("a")
    earlier = Life(cluster)
    earlier.ask()
    await earlier.recorder.step("ns")
    late = cluster.executions.pop("a")
    cluster.ends("b", earlier)
    life = Life(cluster)
    await life.live()
    cluster.executions["a"] = late
    life.store.saw_execution(late)
    await life.live()
    assert cluster.counted() == 2


async def test_a_crash_between_two_finalizers_counts_nobody_twice() -> None:
    cluster = UsageCluster("a", "b")
    life = Life(cluster)
    life.ask()
    await life.recorder.step("ns")
    cluster.let_go("a")
    await Life(cluster).live()
    assert cluster.counted() == 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("wrote_first", [False, True])
@pytest.mark.parametrize("call", range(1, 6))
async def test_a_leader_that_wakes_up_late_counts_nobody_again(
    call: int, wrote_first: bool, when: str
) -> None:
    """It is stopped around any of its calls, while another does the whole, and forgets."""
    cluster = UsageCluster("a")
    stale = Life(cluster)
    if wrote_first:
        await stale.live()
    for name in ("b", "c"):
        cluster.ends(name, stale)

    def takeover() -> None:
        other = Life(cluster)
        other.store.complete = True
        run_to_end(other.live)
        cluster.ends("d", other)
        run_to_end(other.live)
        assert recorded(cluster.record) == ("d",)

    getattr(cluster, when)[len(cluster.calls) + call] = takeover
    stale.ask()
    assert await stale.recorder.step("ns")
    cluster.before.clear()
    cluster.after.clear()
    await Life(cluster).live()
    assert cluster.counted() == len(cluster.executions)


def run_to_end(work: Callable[[], object]) -> None:
    """In the middle of another's await: nothing here really waits."""
    coroutine = work()
    assert asyncio.iscoroutine(coroutine)
    with pytest.raises(StopIteration):
        coroutine.send(None)


async def test_an_answer_that_is_lost_is_asked_for_again_and_counted_once() -> None:
    cluster = UsageCluster("a")
    life = Life(cluster)

    def lose() -> None:
        raise Unreachable("reset")

    cluster.after[3] = lose
    assert not await life.live()
    assert await life.live()
    assert (cluster.counted(), cluster.writes) == (1, 1)


async def test_who_else_changes_the_record_is_not_overwritten() -> None:
    cluster = UsageCluster("a")
    life = Life(cluster)
    await life.live()
    cluster.ends("b", life)

    def note() -> None:
        assert cluster.record is not None
        cluster.record["metadata"] |= {"resourceVersion": "9"}
        cluster.record["data"]["note"] = "by hand"

    cluster.before[len(cluster.calls) + 2] = note
    assert await life.live()
    assert cluster.record is not None
    assert cluster.record["data"]["note"] == "by hand"
    assert cluster.counted() == 2


async def test_a_record_that_changes_all_the_time_is_a_failure_and_not_a_busy_loop() -> None:
    cluster = UsageCluster("a")
    cluster.refuses = ApiError(409, "Conflict", "")
    assert not await Life(cluster).live()
    assert cluster.writes == CONFLICTS


async def test_a_namespace_that_refuses_holds_nobody_longer_than_a_minute() -> None:
    cluster = UsageCluster("a", "b")
    cluster.refuses = FORBIDDEN
    life = Life(cluster)
    assert not await life.live()
    life.seconds = PATIENCE_SECONDS - 1
    assert not await life.live()
    assert (life.lost, life.woken) == (0, [])
    life.seconds = PATIENCE_SECONDS
    assert await life.live()
    assert (life.lost, sorted(life.woken)) == (2, ["a", "b"])
    (event,) = cluster.events
    assert (event["type"], event["reason"]) == ("Warning", "UsageLost")
    assert "2 executions" in event["message"]
    assert "configmaps" in event["message"]
    assert not any(e.metadata.finalizers for e in cluster.executions.values())


async def test_once_it_was_in_vain_the_next_ones_have_one_try_until_it_works_again() -> None:
    cluster = UsageCluster("a")
    cluster.refuses = FORBIDDEN
    life = Life(cluster)
    await life.live()
    life.seconds = PATIENCE_SECONDS
    await life.live()
    for name, refuses, lost in (("b", FORBIDDEN, 2), ("c", None, 2), ("d", FORBIDDEN, 2)):
        cluster.refuses = refuses
        cluster.ends(name, life)
        await life.live()
        assert life.lost == lost
    assert cluster.counted() == 1


async def test_a_namespace_that_is_being_deleted_holds_nobody_and_is_told_nothing() -> None:
    cluster = UsageCluster("a")
    cluster.refuses = GOING
    life = Life(cluster)
    assert await life.live()
    assert (life.lost, life.woken, cluster.events) == (1, ["a"], [])


async def test_a_record_that_somebody_has_garbled_names_what_to_correct() -> None:
    cluster = UsageCluster("a")
    cluster.record = {
        "metadata": {"name": "cc-executor-usage", "resourceVersion": "1"},
        "data": {"2026-01-01": "- mine"},
    }
    life = Life(cluster)
    await life.live()
    life.seconds = PATIENCE_SECONDS
    await life.live()
    assert "data.2026-01-01 of ConfigMap cc-executor-usage" in cluster.events[0]["message"]
    assert cluster.record["data"] == {"2026-01-01": "- mine"}


async def test_writes_to_one_record_are_apart_and_the_first_does_not_wait_for_others() -> None:
    cluster = UsageCluster("a")
    life = Life(cluster)
    queue = life.recorder._queue
    life.ask()
    life.seconds = 0.1
    assert await asyncio.wait_for(queue.get(), 5) == "ns"
    await life.recorder._work("ns")
    cluster.ends("b", life)
    life.ask()
    timer = queue._schedule.next_timer()
    assert timer is not None
    assert timer >= 0.1 + APART_SECONDS


async def test_nothing_is_kept_of_a_namespace_in_which_nothing_ends_any_more() -> None:
    life = Life(UsageCluster("a"))
    await life.live()
    assert await life.recorder.step("ns")
    assert (life.recorder._waiting, life.recorder._next) == ({}, {})


async def test_the_loop_records_what_it_is_given() -> None:
    cluster = UsageCluster("a")
    life = Life(cluster)
    task = asyncio.create_task(life.recorder.run())
    life.ask()
    life.seconds = 1
    life.recorder._queue.add("ns")
    async with asyncio.timeout(60):
        while not life.woken:  # noqa: ASYNC110  bounded by the timeout
            await asyncio.sleep(0)
    task.cancel()
    assert cluster.counted() == 1
