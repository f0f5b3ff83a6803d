"""The loop around the decision, by leases in memory, in virtual time."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ccx_kube.errors import ApiError, Unreachable
from ccx_kube.leases import Lease
from ccx_operator.election import Alone, Election, LeadershipLostError, new_identity
from ccx_operator.leadership import DEFAULT_TERMS, Terms
from support.electing import Server
from support.links import until
from support.virtual_time import in_virtual_time

QUICK = Terms(duration=1.0, renew_within=0.7, retry=0.05)
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


class Leases:
    """`trouble` is how often the next calls fail; None: they hang."""

    def __init__(self) -> None:
        self.server = Server()
        self.trouble: int | None = 0
        self.calls: list[str] = []

    async def get(self, name: str) -> Lease | None:
        await self._answer(f"get {name}")
        return self.server.lease

    async def put(self, lease: Lease) -> Lease:
        await self._answer(f"put {lease.holder}")
        written = self.server.put(lease)
        if written is None:
            raise ApiError(409, "Conflict", "the object has been modified")
        return written

    async def _answer(self, call: str) -> None:
        self.calls.append(call)
        if self.trouble is None:
            await asyncio.Event().wait()
        elif self.trouble:
            self.trouble -= 1
            raise Unreachable("reset")


class Time:
    """Ours, plus what it has been put forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead


def an_election(
    leases: Leases, me: str = "a", time: Time | None = None, terms: Terms = QUICK
) -> Election:
    return Election(leases, me, terms=terms, clock=time or Time(), now=lambda: NOW)


@in_virtual_time
async def test_a_lease_that_nobody_holds_is_taken_at_once() -> None:
    leases, terms = Leases(), Terms(retry=3600)
    election = Election(leases, "a", terms=terms, clock=Time(), now=lambda: NOW)
    winning = asyncio.create_task(election.win())
    async with asyncio.timeout(10):
        await until(lambda: election.leads)
    election.check()
    winning.cancel()
    assert leases.calls == ["get ccx-operator", "put a"]


@in_virtual_time
async def test_a_standby_leads_when_the_leader_has_given_its_lease_back() -> None:
    leases = Leases()
    first, second = an_election(leases, "a"), an_election(leases, "b")
    async with asyncio.timeout(10):
        await first.win()
        standing_by = asyncio.create_task(second.win())
        renewing = asyncio.create_task(first.keep())
        await until(lambda: leases.calls.count("put a") > 30)  # longer than the lease lasts
        assert not second.leads
        renewing.cancel()
        await first.release()
        with pytest.raises(LeadershipLostError):
            first.check()
        await standing_by
    assert (second.leads, second.transitions) == (True, 1)


@in_virtual_time
async def test_a_leader_that_gets_no_answer_ends_before_another_may_begin() -> None:
    leases, others = Leases(), Leases()
    others.server = leases.server
    first, second = an_election(leases, "a"), an_election(others, "b")
    async with asyncio.timeout(10):
        await first.win()
        standing_by = asyncio.create_task(second.win())
        leases.trouble = None
        with pytest.raises(LeadershipLostError, match=r"not renewed within 0\.7 s"):
            await first.keep()
        assert not second.leads
        await standing_by
    before = list(leases.calls)
    await first.release()
    assert leases.calls == before  # a server that is silent must not hold up the end


@in_virtual_time
async def test_a_leader_that_dies_without_a_word_is_followed_within_fifteen_seconds() -> None:
    """With the terms that are in force: the figure of a kill -9, without a machine's share."""
    leases, loop = Leases(), asyncio.get_running_loop()
    first, second = (an_election(leases, me, terms=DEFAULT_TERMS) for me in "ab")
    async with asyncio.timeout(600):
        await first.win()
        standing_by, renewing = asyncio.create_task(second.win()), asyncio.create_task(first.keep())
        await until(lambda: leases.calls.count("put a") > 3)
        renewing.cancel()  # right after a renewal, and it gives nothing back
        died = loop.time()
        await standing_by
    assert second.leads
    assert loop.time() - died < 15


@in_virtual_time
async def test_a_few_failures_are_no_loss() -> None:
    leases = Leases()
    election = an_election(leases)
    async with asyncio.timeout(10):
        await election.win()
        leases.trouble = 4
        renewing = asyncio.create_task(election.keep())
        while leases.calls.count("put a") < 20:
            election.check()
            await asyncio.sleep(0.001)
        renewing.cancel()


@in_virtual_time
async def test_after_a_long_stop_nothing_is_written_and_not_even_the_lease_is_read() -> None:
    leases, time = Leases(), Time()
    election = an_election(leases, time=time)
    async with asyncio.timeout(10):
        await election.win()
        time.ahead = 30
        with pytest.raises(LeadershipLostError, match="must not write"):
            election.check()
        before = list(leases.calls)
        with pytest.raises(LeadershipLostError):
            await election.keep()
        assert leases.calls == before


@in_virtual_time
async def test_who_finds_another_in_its_place_ends() -> None:
    leases = Leases()
    election = an_election(leases)
    async with asyncio.timeout(10):
        await election.win()
        assert leases.server.lease is not None
        leases.server.put(replace(leases.server.lease, holder="b"))
        with pytest.raises(LeadershipLostError, match="b holds the Lease"):
            await election.keep()
        with pytest.raises(LeadershipLostError):
            election.check()


@in_virtual_time
async def test_a_lease_that_cannot_be_given_back_does_not_hold_up_the_end() -> None:
    leases = Leases()
    election = an_election(leases)
    async with asyncio.timeout(10):
        await election.win()
        leases.trouble = 1
        await election.release()
    assert leases.server.lease is not None
    assert leases.server.lease.holder == "a"


@in_virtual_time
async def test_what_is_not_ours_is_not_given_back() -> None:
    leases = Leases()
    first, second = an_election(leases, "a"), an_election(leases, "b")
    async with asyncio.timeout(10):
        await first.win()
        await second.release()
        assert leases.server.lease is not None
        assert leases.server.lease.holder == "a"
        await first.release()
        assert leases.server.lease.holder == ""


def test_every_process_is_somebody_else() -> None:
    assert len({new_identity() for _ in range(100)}) == 100


@in_virtual_time
async def test_who_is_alone_leads() -> None:
    alone = Alone()
    await alone.win()
    alone.check()
    assert alone.leads
    await alone.release()
