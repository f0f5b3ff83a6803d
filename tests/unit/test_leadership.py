from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccx_kube.leases import Lease
from ccx_operator.leadership import (
    DEFAULT_TERMS,
    Acquire,
    Lost,
    Renew,
    Standing,
    Step,
    Wait,
    decide,
    released,
    saw,
    wrote,
)
from support.electing import NAME, Race

SLOWEST, FASTEST = 0.9, 1.1
WAITS = [0.5, 2.0, 5.0, 6.5, 9.5, 10.5, 12.0]
PARTS = ["read", "act", "arrive", "answer"]
steps = st.sampled_from(["turn"] * 8 + PARTS * 2 + ["lose", "die", "leave"] + WAITS)
which = st.integers(0, 5)
walls = st.text(max_size=2)


def a_lease(
    holder: str = "other", version: str = "1", seconds: int = 10, changed: int = 4
) -> Lease:
    duration = timedelta(seconds=seconds)
    return Lease(NAME, "t0", duration, version, holder, "t0", changed)


def a_standing(lease: Lease | None = None, *, seen_at: float = 100) -> Standing:
    return saw(Standing(NAME, "me"), lease, seen_at)


def a_leader(*, sent_at: float = 100) -> Standing:
    return wrote(Standing(NAME, "me"), a_lease("me"), sent_at=sent_at)


def taken(version: str, changed: int, seconds: int = 10) -> Lease:
    return Lease(NAME, "now", timedelta(seconds=seconds), version, "me", "now", changed)


@pytest.mark.parametrize(
    ("standing", "now", "step"),
    [
        pytest.param(a_standing(), 0, Acquire(taken("", 0)), id="there is none"),
        pytest.param(a_standing(a_lease("")), 100, Acquire(taken("1", 5)), id="it was released"),
        pytest.param(a_standing(a_lease()), 100, Wait(2), id="held"),
        pytest.param(a_standing(a_lease()), 109, Wait(1), id="held for a second more"),
        pytest.param(a_standing(a_lease()), 110, Acquire(taken("1", 5)), id="expired"),
        pytest.param(a_standing(a_lease(seconds=15)), 114, Wait(1), id="by the holder's terms"),
        pytest.param(a_standing(a_lease(seconds=0)), 109, Wait(1), id="it names no duration"),
    ],
)
def test_what_a_standby_does(standing: Standing, now: float, step: Step) -> None:
    assert decide(standing, now, "now") == step


@pytest.mark.parametrize(
    ("standing", "now", "step"),
    [
        pytest.param(a_leader(), 102, "renew", id="in time"),
        pytest.param(a_leader(), 106.9, "renew", id="just in time"),
        pytest.param(a_leader(), 107, "lost", id="not renewed in time"),
        pytest.param(a_leader(), 9999, "lost", id="after a long stop"),
        pytest.param(saw(a_leader(), a_lease("b", "2"), 101), 101, "lost", id="another has it"),
        pytest.param(saw(a_leader(), a_lease("", "2"), 101), 101, "lost", id="somebody freed it"),
        pytest.param(saw(a_leader(), a_lease("me", "2"), 102), 102, "renew", id="ours, unanswered"),
        pytest.param(saw(a_leader(), None, 102), 102, "renew", id="somebody deleted it"),
        pytest.param(a_standing(a_lease("me")), 101, "renew", id="won, but not told so"),
    ],
)
def test_what_the_holder_does(standing: Standing, now: float, step: str) -> None:
    assert type(decide(standing, now, "now")).__name__.lower() == step


def test_a_renewal_keeps_what_is_true_of_the_whole_term_and_the_version_that_was_seen() -> None:
    standing = saw(a_leader(), a_lease("me", version="7"), 102)
    renewed = Lease(NAME, "now", timedelta(seconds=10), "7", "me", "t0", 4)
    assert decide(standing, 102, "now") == Renew(renewed)


def test_the_lease_that_somebody_deleted_is_made_anew_by_its_holder_and_not_at_once_by_others() -> (
    None
):
    mine = decide(saw(a_leader(), None, 102), 102, "now")
    assert isinstance(mine, Renew)
    assert mine.lease.version == ""
    standby = saw(a_standing(a_lease()), None, 105)
    assert decide(saw(standby, None, 114), 114, "now") == Wait(1)
    assert decide(standby, 115, "now") == Acquire(taken("", 5))


def test_only_a_change_begins_the_term_anew() -> None:
    standing = a_standing(a_lease(version="1"), seen_at=100)
    assert saw(standing, a_lease(version="1"), 109) == standing
    assert decide(saw(standing, a_lease(version="2"), 109), 118, "now") == Wait(1)


def test_who_sees_another_holder_leads_no_more_whatever_its_clock_says() -> None:
    assert a_leader(sent_at=100).leads_until == 107
    assert saw(a_leader(sent_at=100), a_lease("other", "2"), 101).leads_until < 0


def test_a_late_answer_makes_no_leader() -> None:
    late = a_leader(sent_at=100)
    assert late.leads_until <= 107
    assert isinstance(decide(late, 107, "now"), Lost)


def test_what_is_released_is_anybodys() -> None:
    lease = released(a_lease("me"), "now")
    assert (lease.holder, lease.renewed, lease.transitions) == ("", "now", 4)


def a_race(rates: tuple[float, ...], steps: list[tuple[str | float, int, str]]) -> Race:
    race = Race(rates)
    for step, which, wall in steps:
        index = which % len(rates)
        match step:
            case float(seconds):
                race.time += seconds
            case "act":
                race.act(index, wall)
            case str(name):
                getattr(race, name)(index)
        assert len(race.leaders()) <= 1
    return race


rates = st.lists(st.floats(SLOWEST, FASTEST), min_size=2, max_size=3).map(tuple)
races = st.builds(a_race, rates, st.lists(st.tuples(steps, which, walls), max_size=80))


@settings(max_examples=500)
@given(races)
def test_whatever_happens_at_most_one_leads_and_then_somebody_does(race: Race) -> None:
    """The first is asserted after every step; the second once nothing goes wrong any more.

    A round for who has led to see that he has lost, one for his successor to see a Lease that is
    not its own, the term of that Lease, and a round that begins just before its end.
    """
    race.sent.clear()
    terms, began = DEFAULT_TERMS, race.time
    while not race.leaders():
        race.one_round(terms.retry)
        assert len(race.leaders()) <= 1
        assert race.time - began <= terms.duration / SLOWEST + 3 * terms.retry


@settings(max_examples=50)
@given(races)
def test_who_leads_goes_on_leading_while_nothing_goes_wrong(race: Race) -> None:
    race.sent.clear()
    for _ in range(10):
        race.one_round(DEFAULT_TERMS.retry)
    leader = race.leaders()
    for _ in range(10):
        race.one_round(DEFAULT_TERMS.retry)
        assert race.leaders() == leader
    assert len(leader) == 1


def test_who_has_won_and_was_not_told_so_does_not_lead_by_that() -> None:
    assert a_standing(a_lease("me")).leads_until < 0
    assert Standing(NAME, "me").leads_until < 0


def test_that_there_is_no_lease_yet_is_no_change_of_it() -> None:
    nothing = Standing(NAME, "me")
    assert saw(nothing, None, 100) == nothing


@pytest.mark.parametrize(
    ("holder", "why"), [("b", "b holds the Lease"), ("", "nobody holds the Lease")]
)
def test_who_has_lost_it_knows_to_whom(holder: str, why: str) -> None:
    assert decide(saw(a_leader(), a_lease(holder, "2"), 101), 101, "now") == Lost(why)
