import asyncio
from typing import Any, cast

import pytest

from ccx_gateway.caller import Anybody, SignedOut
from ccx_gateway.errors import ClusterUnavailable, Forbidden
from ccx_gateway.following import Following
from ccx_gateway.session import Session
from ccx_gateway.standing import RETRY_SECONDS, UNKNOWN_SECONDS, Standing
from ccx_kube.errors import Unreachable
from ccx_kube.reviews import Access
from support.access import SignIn

GET = Access("get", "ns", "e1")


class Streams:
    """A session that follows one execution, and what has been cut."""

    def __init__(self) -> None:
        self.session = Session(executions=1)
        self.following = cast("Following", object())
        self.cuts: list[Access] = []

    def follow(self, access: Access) -> None:
        self.session.reserve(rests_on=access).made.set_result(self.following)

    async def cut(self, following: Following, access: Access, why: Forbidden) -> None:
        assert following is self.following
        assert str(access) in str(why)
        self.cuts.append(access)
        self.session.detached(following)


def a_standing(sign_in: SignIn, streams: Streams, **options: Any) -> Standing:
    return Standing(sign_in.caller(), streams.session, streams.cut, clock=sign_in.clock, **options)


async def test_a_stream_is_cut_once_its_right_is_gone() -> None:
    sign_in, streams = SignIn(), Streams()
    sign_in.reviews.granted = {GET}
    streams.follow(GET)
    standing = a_standing(sign_in, streams)
    assert await standing.review() == sign_in.clock.now + 60
    sign_in.reviews.granted.clear()
    await standing.review()
    assert streams.cuts == []
    sign_in.clock.now += 60
    await standing.review()
    await standing.review()
    assert streams.cuts == [GET]


async def test_the_next_review_is_due_when_the_first_answer_ends() -> None:
    sign_in, streams = SignIn(), Streams()
    sign_in.reviews.granted = {GET}
    await sign_in.caller().require(GET)
    first = sign_in.clock.now + 60
    sign_in.clock.now += 40
    streams.follow(GET)
    assert await a_standing(sign_in, streams).review() == first


async def test_it_ends_with_the_token_though_nobody_calls() -> None:
    sign_in, streams = SignIn(), Streams()
    standing = a_standing(sign_in, streams)
    running = asyncio.create_task(standing.run())
    for _ in range(10):
        await asyncio.sleep(0)
    assert sign_in.reviews.tokens == ["alice-token"]
    sign_in.reviews.known.clear()
    sign_in.clock.now += 60
    standing.until(sign_in.clock.now - 1)  # as a clock that really goes would have it
    async with asyncio.timeout(60):
        with pytest.raises(SignedOut):
            await running


async def test_an_api_server_that_is_away_signs_nobody_out_for_a_while() -> None:
    sign_in, streams = SignIn(), Streams()
    standing = a_standing(sign_in, streams)
    await standing.review()
    sign_in.clock.now += 60
    sign_in.reviews.failure = Unreachable("connection refused")
    assert await standing.review() == sign_in.clock.now + RETRY_SECONDS
    sign_in.clock.now += UNKNOWN_SECONDS - 60
    with pytest.raises(ClusterUnavailable):
        await standing.review()


async def test_where_nobody_signs_in_nothing_is_ever_due() -> None:
    streams = Streams()
    streams.follow(GET)
    standing = Standing(Anybody(), streams.session, streams.cut)
    running = asyncio.create_task(standing.run())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not running.done()
    running.cancel()
