import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_runner.wishes import CANCEL, FAIL, PAUSE, REPORT, RESUME, Refused, Wish, Wishes

SPECS = st.lists(
    st.tuples(st.sampled_from(["Running", "Paused"]), st.none() | st.integers(1, 99)), min_size=1
).map(lambda specs: [Wish(n, state, left) for n, (state, left) in enumerate(specs, 1)])
"""The generations of one spec, in the order in which a user made them."""


def a_wish(generation: int = 1, desired: str = "Running") -> Wish:
    return Wish(generation, desired)


def taken(wishes: Wishes, wish: Wish) -> Wishes:
    """What holds after a wish has been delivered, refused or not."""
    try:
        return wishes.take(wish.verb, wish)
    except Refused:
        return wishes


def deliveries(specs: list[Wish]) -> st.SearchStrategy[list[Wish]]:
    """Two messengers bring each of them, in any order; some come twice and late."""
    again = st.lists(st.sampled_from(specs), max_size=5)
    return again.flatmap(lambda twice: st.permutations([*specs, *specs, *twice]))


@given(st.data())
def test_whatever_the_order_what_holds_is_what_the_highest_generation_says(
    data: st.DataObject,
) -> None:
    specs = data.draw(SPECS)
    wishes = Wishes()
    for wish in data.draw(deliveries(specs)):
        wishes = taken(wishes, wish)
    last = specs[-1]
    assert wishes.frozen is (last.desired_state == "Paused")
    assert wishes.active_deadline_seconds == last.active_deadline_seconds
    assert wishes.generation == last.generation


@given(st.data())
def test_a_cancel_is_never_lost_and_never_undone(data: st.DataObject) -> None:
    specs = [*data.draw(SPECS), a_wish(data.draw(st.integers(0, 99)), "Cancelled")]
    wishes, was_cancelled = Wishes(), False
    for wish in data.draw(deliveries(specs)):
        wishes = taken(wishes, wish)
        was_cancelled = was_cancelled or wish.verb == CANCEL
        assert wishes.cancelled is was_cancelled


@given(st.lists(st.sampled_from([PAUSE, RESUME]), max_size=6), st.data())
def test_a_person_s_pause_and_the_spec_s_do_not_undo_each_other(
    local: list[str], data: st.DataObject
) -> None:
    specs = data.draw(SPECS)
    wishes = Wishes()
    for verb, wish in itertools.zip_longest(local, specs):
        wishes = wishes.take(verb) if verb else wishes
        wishes = taken(wishes, wish) if wish else wishes
    by_local = {"local"} if local and local[-1] == PAUSE else set()
    by_spec = {"spec"} if specs[-1].verb == PAUSE else set()
    assert wishes.frozen_by == by_local | by_spec


OWNERS = ["spec", "local", "budget", "rateLimit"]


@given(st.lists(st.tuples(st.sampled_from(OWNERS), st.booleans())))
def test_a_freeze_ends_when_its_last_owner_lets_go_and_not_before(
    steps: list[tuple[str, bool]],
) -> None:
    wishes, last_said = Wishes(), dict[str, bool]()
    for owner, frozen in steps:
        before = wishes.frozen_by
        wishes = wishes.held(owner, frozen=frozen)
        last_said[owner] = frozen
        assert wishes.frozen_by - {owner} == before - {owner}
        assert wishes.frozen is any(last_said.values())


@given(st.lists(st.sampled_from(OWNERS[1:]), unique=True), st.data())
def test_a_wish_of_the_spec_leaves_every_other_owner_s_freeze(
    others: list[str], data: st.DataObject
) -> None:
    wishes = Wishes()
    for owner in others:
        wishes = wishes.held(owner, frozen=True)
    for wish in data.draw(SPECS):
        wishes = wishes.take(wish.verb, wish)
        assert wishes.frozen_by - {"spec"} == set(others)


def test_an_older_generation_is_refused() -> None:
    wishes = Wishes().take(PAUSE, a_wish(3, "Paused"))
    with pytest.raises(Refused, match=r"^stale generation$"):
        wishes.take(RESUME, a_wish(2))


def test_the_same_generation_again_changes_nothing() -> None:
    wishes = Wishes().take(PAUSE, a_wish(3, "Paused"))
    assert wishes.take(PAUSE, a_wish(3, "Paused")) == wishes


def test_one_generation_cannot_say_two_things() -> None:
    wishes = Wishes().take(PAUSE, a_wish(3, "Paused"))
    with pytest.raises(Refused, match="generation 3 has already said Paused"):
        wishes.take(RESUME, a_wish(3))


@pytest.mark.parametrize("verb", [PAUSE, RESUME])
@pytest.mark.parametrize("wish", [None, 9])
def test_after_a_cancel_all_else_is_refused(verb: str, wish: int | None) -> None:
    wishes = Wishes().take(CANCEL)
    state = {PAUSE: "Paused", RESUME: "Running"}[verb]
    with pytest.raises(Refused, match=r"^cancelled$"):
        wishes.take(verb, a_wish(wish, state) if wish else None)


def test_a_cancel_of_an_old_generation_is_accepted_and_leaves_the_newest() -> None:
    wishes = Wishes().take(RESUME, a_wish(5)).take(CANCEL, a_wish(2, "Cancelled"))
    assert (wishes.cancelled, wishes.generation) == (True, 5)


def test_the_desired_state_must_agree_with_the_verb() -> None:
    with pytest.raises(Refused, match="desiredState Paused does not agree with resume"):
        Wishes().take(RESUME, a_wish(1, "Paused"))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"desiredState":"Running"}', "generation: "),
        ('{"generation":true,"desiredState":"Running"}', "generation: "),
        ('{"generation":-1,"desiredState":"Running"}', "generation: "),
        ('{"generation":1,"desiredState":"running"}', "one of Running, Paused, Cancelled"),
        ('{"generation":1,"desiredState":{}}', "one of Running, Paused, Cancelled"),
        ('{"generation":1,"desiredState":"Paused","activeDeadlineSeconds":0}', "above 0"),
        ('{"generation":1,"desiredState":"Paused","activeDeadlineSeconds":NaN}', "above 0"),
        ('{"generation":1,"desiredState":"Paused","activeDeadlineSeconds":"9"}', "a number"),
        ('{"generation":1,"desiredState":"Paused","activeDeadlineSeconds":1e300}', "at most"),
        (f'{{"generation":{10**400},"desiredState":"Running"}}', "63 bits"),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused_with_what_would_be_right(
    text: str, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        Wish.from_json(text)


def test_unknown_fields_of_a_wish_are_ignored() -> None:
    said = {"generation": 1, "desiredState": "Paused", "activeDeadlineSeconds": 60, "new": 1}
    assert Wish.from_json(json.dumps(said)) == Wish(1, "Paused", 60)


@pytest.mark.parametrize(("said", "on_stall"), [("Fail", FAIL), ("Report", REPORT), (None, REPORT)])
def test_a_stall_ends_only_what_says_so(said: str | None, on_stall: str) -> None:
    wish = Wish.parse({"generation": 1, "desiredState": "Running", "onStall": said})
    assert wish.on_stall == on_stall


def test_a_truth_is_no_number_of_seconds() -> None:
    with pytest.raises(Refused, match="must be a number"):
        Wish.parse({"generation": 1, "desiredState": "Running", "stallTimeoutSeconds": True})


def test_a_cancel_is_as_new_as_its_wish() -> None:
    assert Wishes().take(CANCEL, a_wish(7, "Cancelled")).generation == 7
    assert Wishes(generation=3).take(CANCEL).generation == 3
