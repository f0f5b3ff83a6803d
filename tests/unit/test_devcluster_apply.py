from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devcluster.apierrors import ApiError
from devcluster.field_sets import from_v1, to_v1
from devcluster.managed_fields import Writer, read, updated
from devcluster.pieces import KEPT, Pieces
from devcluster.resources import custom_type
from devcluster.server_apply import applied
from support.devcluster_objects import a_crd, a_widget

WIDGET = custom_type(a_crd())
ENV = st.lists(st.sampled_from("ABCD"), unique=True)
SPECS = st.fixed_dictionaries(
    {"prompt": st.sampled_from(["x", "y"])},
    optional={
        "size": st.integers(1, 3),
        "env": ENV.map(lambda names: [{"name": name} for name in names]),
        "labels": st.dictionaries(st.sampled_from("ab"), st.sampled_from("12")),
    },
)
PATHS = st.frozensets(st.lists(st.sampled_from(["f:a", "f:b", "k:c"]), min_size=1).map(tuple))


def by(manager: str) -> Writer:
    return Writer("Apply", manager, "", WIDGET.api_version)


def apply(live: Any, manager: str, spec: Any, *, force: bool = False) -> dict[str, Any]:
    config = {**a_widget(), "spec": spec}
    obj, managed = applied(WIDGET, live, config, by(manager), force=force)
    return {**obj, "metadata": {**obj["metadata"], "managedFields": managed}}


@given(PATHS)
def test_fields_are_read_as_they_were_written(fields: frozenset[tuple[str, ...]]) -> None:
    assert from_v1(to_v1(fields)) == fields


@given(SPECS, SPECS)
def test_whoever_applies_alone_gets_what_they_said(first: Any, then: Any) -> None:
    found = apply(apply(None, "me", first), "me", then)
    kept = {key: value for key, value in then.items() if value not in ([], {})}
    assert {key: value for key, value in found["spec"].items() if value not in ([], {})} == kept


@given(SPECS, SPECS)
def test_nobody_s_fields_are_lost_to_a_forced_apply(mine: Any, yours: Any) -> None:
    found = apply(apply(None, "me", mine), "you", yours, force=True)
    assert found["spec"].keys() == mine.keys() | yours.keys()
    names = {item["name"] for spec in (mine, yours) for item in spec.get("env", ())}
    assert {item["name"] for item in found["spec"].get("env", ())} == names


@given(SPECS)
def test_to_apply_the_same_again_changes_nothing(spec: Any) -> None:
    once = apply(None, "me", spec)
    assert apply(once, "me", spec) == once


def test_a_write_takes_what_it_changes_from_its_owner() -> None:
    mine = apply(None, "me", {"prompt": "x", "size": 2})
    changed = {**mine, "spec": {"prompt": "x", "size": 3}}
    writer = Writer("Update", "you", "", WIDGET.api_version)
    entries = read(updated(WIDGET, mine, changed, writer))
    assert entries[by("me")].fields == {("f:spec", "f:prompt")}
    assert entries[writer].fields == {("f:spec", "f:size")}


def test_a_list_in_pieces_is_as_it_was_at_its_first_piece() -> None:
    pieces, there = Pieces(), [{"n": n} for n in range(5)]

    def cut(following: str) -> Any:
        return pieces.cut("pods", lambda: (there, 7), limit=2, following=following, counted=True)

    first = cut("")
    there = []
    second = cut(first.following)
    assert [obj["n"] for obj in (*first.objects, *second.objects)] == [0, 1, 2, 3]
    assert (second.version, second.left) == (7, 1)
    assert [obj["n"] for obj in cut(second.following).objects] == [4]


def test_of_many_lists_that_nobody_reads_on_the_oldest_is_expired() -> None:
    pieces = Pieces()

    def cut(following: str = "") -> Any:
        whole: Any = ([{}, {}], 7)
        return pieces.cut("pods", lambda: whole, limit=1, following=following, counted=True)

    oldest, *_, newest = [cut() for _ in range(KEPT + 1)]
    assert cut(newest.following).objects == [{}]
    with pytest.raises(ApiError) as refused:
        cut(oldest.following)
    assert (refused.value.code, refused.value.reason) == (410, "Expired")
