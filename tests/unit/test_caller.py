"""Who a client is and what they may do, with the API server's reviews as recording stand-ins."""

import asyncio

import pytest

from ccx_gateway.authn import Token
from ccx_gateway.caller import SignedOut
from ccx_gateway.door import Door
from ccx_gateway.errors import ClusterUnavailable, Forbidden
from ccx_gateway.handshake import Refused, Upgrade
from ccx_kube.errors import ApiError, Unreachable
from ccx_kube.reviews import Access, Identity
from support.access import ALICE, SignIn

GET = Access("get", "ns", "e1")


def an_upgrade(*authorization: str, origin: str | None = None, query: str = "") -> Upgrade:
    return Upgrade(authorization, (query,) if query else (), origin, "ccx.example")


def a_door(sign_in: SignIn) -> Door:
    return Door((sign_in.authenticator, sign_in.authorizer), count=sign_in.counted.append)


async def test_one_review_of_each_kind_per_identity_and_tuple_in_60_s() -> None:
    sign_in = SignIn()
    sign_in.reviews.granted = {GET}
    for second in range(120):
        sign_in.clock.now = 1000.0 + second
        callers = [await a_door(sign_in).admit(an_upgrade("Bearer alice-token")) for _ in range(2)]
        await asyncio.gather(*(caller.require(GET) for caller in callers for _ in range(3)))
    assert sign_in.reviews.tokens == ["alice-token"] * 2
    assert sign_in.reviews.accesses == [(ALICE, GET)] * 2
    assert sign_in.counted.count("allowed") == 120 * (2 + 6)


async def test_a_token_that_was_revoked_is_signed_out_within_60_s() -> None:
    sign_in = SignIn()
    sign_in.reviews.granted = {GET}
    caller = sign_in.caller()
    assert await caller.require(GET) == sign_in.clock.now + 60
    sign_in.reviews.known.clear()
    await caller.check()
    sign_in.clock.now += 60
    for ask in (caller.check(), caller.require(GET)):
        with pytest.raises(SignedOut):
            await ask
    assert sign_in.counted[-1] == "unauthenticated"


async def test_a_token_cannot_become_somebody_elses() -> None:
    sign_in = SignIn()
    caller = sign_in.caller()
    await caller.check()
    sign_in.reviews.known["alice-token"] = Identity("mallory")
    sign_in.clock.now += 60
    with pytest.raises(SignedOut):
        await caller.check()


async def test_a_group_that_is_taken_away_counts_from_the_next_review_on() -> None:
    sign_in = SignIn()
    sign_in.reviews.granted = {GET}
    caller = sign_in.caller()
    await caller.require(GET)
    sign_in.reviews.known["alice-token"] = Identity("alice")
    sign_in.reviews.granted.clear()
    sign_in.clock.now += 60
    with pytest.raises(Forbidden):
        await caller.require(GET)
    assert sign_in.reviews.accesses[-1] == (Identity("alice"), GET)


async def test_a_denial_names_verb_resource_and_namespace() -> None:
    sign_in = SignIn()
    with pytest.raises(Forbidden) as caught:
        await sign_in.caller().require(Access("create", "prod"))
    words = 'create claudeexecutions.cc-executor.dev in namespace "prod"'
    assert words in str(caught.value)
    assert sign_in.counted == ["denied"]


@pytest.mark.parametrize(
    "failure",
    [
        Unreachable("no answer in time"),
        ApiError(403, "Forbidden", "system:serviceaccount:x cannot create tokenreviews"),
        ApiError(500, "InternalError", "error validating audiences"),
    ],
)
async def test_where_nobody_can_say_nobody_is_let_in(failure: ApiError) -> None:
    sign_in = SignIn()
    caller = sign_in.caller()
    sign_in.reviews.failure = failure
    for ask in (caller.check(), caller.require(GET)):
        with pytest.raises(ClusterUnavailable) as told:
            await ask
        assert failure.message not in str(told.value)
    with pytest.raises(Refused) as caught:
        await a_door(sign_in).admit(an_upgrade("Bearer alice-token"))
    assert caught.value.status == 503
    assert int(caught.value.headers["Retry-After"]) > 0
    assert set(sign_in.counted) == {"unavailable"}


async def test_an_unknown_token_is_refused_and_remembered() -> None:
    sign_in = SignIn()
    for _ in range(3):
        with pytest.raises(Refused, match="--audience cc-executor") as caught:
            await a_door(sign_in).admit(an_upgrade("Bearer nobodys"))
        assert caught.value.headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    assert sign_in.reviews.tokens == ["nobodys"]
    assert sign_in.counted == ["unauthenticated"] * 3


async def test_what_the_door_refuses_is_not_asked_about() -> None:
    sign_in = SignIn()
    foreign = an_upgrade("Bearer alice-token", origin="https://evil.example")
    in_url = an_upgrade("Bearer alice-token", query="access_token")
    for upgrade in (foreign, in_url, an_upgrade()):
        with pytest.raises(Refused):
            await a_door(sign_in).admit(upgrade)
    assert sign_in.reviews.tokens == []
    assert sign_in.counted == ["denied", "unauthenticated", "unauthenticated"]


async def test_of_a_token_its_hash_is_kept() -> None:
    sign_in = SignIn()
    await sign_in.authenticator.identify(Token("alice-token"))
    kept = sign_in.authenticator._recent._known
    assert "alice-token" not in repr(kept)
    assert list(kept) == [Token("alice-token").digest]
