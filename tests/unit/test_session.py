import asyncio

import pytest

from ccx_gateway.errors import InvalidParams, LimitExceeded, NoProcess
from ccx_gateway.session import MAX_SLOTS, Session


async def test_a_slot_is_taken_before_there_is_an_execution_and_free_after_its_end() -> None:
    session = Session(executions=1)
    slot = session.reserve()
    with pytest.raises(InvalidParams, match=r"^A process is already running$"):
        session.reserve()
    session.release(slot)
    session.reserve()


async def test_more_may_run_where_it_is_configured() -> None:
    session = Session(executions=2)
    session.reserve()
    session.reserve()
    with pytest.raises(InvalidParams):
        session.reserve()


async def test_what_is_only_watched_does_not_count_but_has_a_bound() -> None:
    session = Session(executions=1)
    for _ in range(MAX_SLOTS):
        session.reserve(owned=False)
    with pytest.raises(LimitExceeded):
        session.reserve()


async def test_without_an_execution_there_is_no_process_to_control() -> None:
    with pytest.raises(NoProcess, match=r"^No process is running$"):
        Session(executions=1).only()


async def test_which_of_several_is_meant_must_be_said() -> None:
    session = Session(executions=2)
    first, _ = session.reserve(), session.reserve()
    with pytest.raises(InvalidParams):
        session.only()
    session.release(first)
    assert session.only() is not first


async def test_who_waits_for_an_execution_that_is_not_made_is_told_why() -> None:
    session = Session(executions=1)
    slot = session.reserve()
    waiting = asyncio.create_task(session.only().wait())
    await asyncio.sleep(0)
    session.release(slot, InvalidParams("name: is taken"))
    async with asyncio.timeout(60):
        with pytest.raises(InvalidParams, match=r"^name: is taken$"):
            await waiting
