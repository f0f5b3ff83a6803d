import asyncio

from ccx_operator.work_queue import Schedule, WorkQueue


def test_a_key_that_is_added_again_while_it_waits_is_handed_out_once() -> None:
    schedule = Schedule()
    schedule.add("a")
    schedule.add("b")
    schedule.add("a")
    assert schedule.depth == 2
    assert [schedule.take(0), schedule.take(0), schedule.take(0)] == ["a", "b", None]


def test_a_key_that_changes_while_it_is_worked_on_runs_again_and_never_beside_itself() -> None:
    schedule = Schedule()
    schedule.add("a")
    schedule.take(0)
    schedule.add("a")
    assert schedule.take(0) is None
    schedule.done("a")
    assert schedule.take(0) == "a"


def test_of_two_timers_for_a_key_the_earlier_one_counts() -> None:
    schedule = Schedule()
    schedule.add_at("a", 9)
    schedule.add_at("a", 5)
    assert schedule.take(4.9) is None
    assert schedule.take(5) == "a"
    schedule.done("a")
    assert schedule.take(9) is None


def test_retries_come_further_and_further_apart_up_to_the_cap_until_one_succeeds() -> None:
    schedule = Schedule(first_delay=1, longest_delay=5)
    now, delays = 0.0, []
    for _ in range(5):
        schedule.retry("a", now)
        due = schedule.next_timer()
        assert due is not None
        delays.append(due - now)
        now = due
        schedule.take(now)
        schedule.done("a")
    assert delays == [1, 2, 4, 5, 5]
    schedule.forget_failures("a")
    schedule.retry("a", now)
    assert schedule.next_timer() == now + 1


def test_a_change_does_not_wait_for_the_retry_of_its_key() -> None:
    schedule = Schedule(first_delay=60)
    schedule.retry("a", 0)
    schedule.add("a")
    assert schedule.take(0) == "a"


async def test_who_waits_for_a_late_key_is_woken_by_an_earlier_one() -> None:
    now = 0.0
    queue = WorkQueue(clock=lambda: now)
    queue.add_after("late", 3600)
    async with asyncio.timeout(60):
        getting = asyncio.create_task(queue.get())
        await asyncio.sleep(0)  # let it begin to wait
        queue.add("a")
        assert await getting == "a"
        queue.add_after("b", 0)
        now = 1.0
        assert await queue.get() == "b"


async def test_a_key_is_never_due_again_at_once() -> None:
    now = 0.0
    queue = WorkQueue(clock=lambda: now)
    queue.add_after("a", 0)
    getting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not getting.done()
    now = 0.1
    queue.add_after("a", 0)  # wakes the waiter
    async with asyncio.timeout(60):
        assert await getting == "a"


def test_without_a_timer_there_is_none_to_wait_for() -> None:
    schedule = Schedule()
    assert schedule.next_timer() is None
    schedule.add_at("a", 9)
    schedule.add_at("b", 5)
    assert schedule.next_timer() == 5
