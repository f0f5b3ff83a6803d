from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from ccx_kube.leases import Lease
from ccx_operator.gateways import Gateways

TEN = timedelta(seconds=10)
NO_TIME = timedelta(0)


def a_lease(name: str = "g", renewed: object = "t0") -> Lease:
    return Lease(name, str(renewed), timedelta(seconds=15), "1")


def a_watch() -> Gateways:
    return Gateways(takeover=timedelta(seconds=60))


def lists_until_gone(gateways: Gateways, *leases: Lease) -> int:
    """How many lists, 10 s apart, until g has gone."""
    count, passed = 1, NO_TIME
    while "g" not in gateways.saw(leases, {"g"}, passed):
        count, passed = count + 1, TEN
        assert count < 100
    return count


def test_a_gateway_has_gone_60_s_after_its_lease_is_stale() -> None:
    assert lists_until_gone(a_watch(), a_lease()) == 9  # 0, 10, ... 80: the first from 75 on


def test_a_gateway_without_a_lease_has_gone_60_s_after_that_was_first_seen() -> None:
    assert lists_until_gone(a_watch()) == 7


def test_one_renewal_is_a_new_beginning() -> None:
    gateways = a_watch()
    lists_until_gone(gateways, a_lease(renewed="t0"))
    assert gateways.saw([a_lease(renewed="t1")], {"g"}, TEN) == frozenset()
    assert gateways.saw([a_lease(renewed="t1")], {"g"}, TEN) == frozenset()


def test_a_clock_that_is_wrong_on_the_other_side_does_not_matter() -> None:
    gateways = a_watch()
    for renewal in range(20):
        renewed = f"1970-01-01T00:00:{renewal:02}.000000Z"
        assert gateways.saw([a_lease(renewed=renewed)], {"g"}, TEN) == frozenset()


def test_the_silence_of_a_lease_goes_on_when_it_is_removed() -> None:
    gateways = a_watch()
    gateways.saw([a_lease()], {"g"}, NO_TIME)
    gateways.saw([a_lease()], {"g"}, timedelta(seconds=50))
    assert gateways.saw([], {"g"}, TEN) == {"g"}


def test_who_is_neither_listed_nor_named_is_forgotten() -> None:
    gateways = a_watch()
    lists_until_gone(gateways)
    assert gateways.saw([], set(), TEN) == frozenset()
    assert gateways.saw([], {"g"}, TEN) == frozenset()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 20)), max_size=60))
def test_a_gateway_has_gone_exactly_while_its_lease_is_too_old(
    steps: list[tuple[bool, int]],
) -> None:
    gateways, renewal, quiet = a_watch(), 0, 0
    gateways.saw([a_lease(renewed=renewal)], {"g"}, NO_TIME)
    for renewed, passed in steps:
        renewal, quiet = (renewal + 1, 0) if renewed else (renewal, quiet + passed)
        gone = gateways.saw([a_lease(renewed=renewal)], {"g"}, timedelta(seconds=passed))
        assert gone == ({"g"} if quiet >= 75 else set())


def test_a_lease_that_was_gone_and_is_back_as_it_was_is_no_renewal() -> None:
    gateways = a_watch()
    gateways.saw([a_lease()], {"g"}, NO_TIME)
    gateways.saw([], {"g"}, timedelta(seconds=50))
    assert gateways.saw([a_lease()], {"g"}, timedelta(seconds=25)) == {"g"}
