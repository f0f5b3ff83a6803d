import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devcluster.history import ExpiredError, Object
from devcluster.journal import Journal
from devcluster.store import AlreadyExists, Store


def an_object(name: str = "one", **fields: Any) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, **fields}


def a_store(*names: str) -> Store:
    store = Store()
    for name in names:
        store.create("configmaps", "default", an_object(name))
    return store


def set_data(value: str) -> Any:
    return lambda obj: {**obj, "data": {"key": value}}


def uid_of(store: Store, name: str) -> str:
    obj = store.get("configmaps", "default", name)
    assert obj is not None
    return str(obj["metadata"]["uid"])


def test_a_new_object_has_a_uid_a_time_and_the_next_version() -> None:
    created = a_store("zero").create("configmaps", "default", an_object())
    assert created["metadata"]["resourceVersion"] == "2"
    assert created["metadata"]["namespace"] == "default"
    assert created["metadata"]["uid"]
    assert created["metadata"]["creationTimestamp"].endswith("Z")


def test_a_name_is_taken_once_per_namespace() -> None:
    store = a_store("one")
    with pytest.raises(AlreadyExists):
        store.create("configmaps", "default", an_object())
    store.create("configmaps", "other", an_object())


def test_a_change_that_changes_nothing_spends_no_version() -> None:
    store = a_store("one")
    before = store.version
    store.modify("configmaps", "default", "one", lambda obj: obj)
    store.modify("configmaps", "default", "one", lambda _: None)
    assert store.version == before


def test_a_change_for_another_uid_is_not_made() -> None:
    store = a_store("one")
    assert store.modify("configmaps", "default", "one", set_data("x"), uid="other") is None
    assert store.version == 1


def test_what_was_read_is_not_touched_by_a_later_change() -> None:
    store = a_store("one")
    read = store.get("configmaps", "default", "one")
    store.modify("configmaps", "default", "one", set_data("x"))
    assert read is not None
    assert "data" not in read


def test_a_finalizer_holds_a_deleted_object_until_it_goes() -> None:
    store = Store()
    store.create("configmaps", "default", an_object())
    uid = uid_of(store, "one")

    def with_finalizers(*names: str) -> Any:
        def change(obj: Object) -> Object:
            obj["metadata"]["finalizers"] = list(names)
            return obj

        return change

    store.modify("configmaps", "default", "one", with_finalizers("x/y"))
    store.delete_now("configmaps", "default", "one", uid=uid)
    held = store.get("configmaps", "default", "one")
    assert held is not None
    assert held["metadata"]["deletionTimestamp"]
    store.modify("configmaps", "default", "one", with_finalizers())
    assert store.get("configmaps", "default", "one") is None


async def test_a_subscription_sees_every_change_in_order_and_ends_when_closed() -> None:
    store = a_store("before")
    subscription = store.subscribe("configmaps")
    store.create("configmaps", "default", an_object())
    store.modify("configmaps", "default", "one", set_data("x"))
    store.delete_now("configmaps", "default", "one", uid=uid_of(store, "one"))
    async with asyncio.timeout(60):
        seen = [(await anext(subscription))[0] for _ in range(3)]
        assert seen == ["ADDED", "MODIFIED", "DELETED"]
        subscription.close()
        assert [change async for change in subscription] == []


async def test_a_subscription_waits_for_what_is_not_there_yet() -> None:
    store = Store()
    subscription = store.subscribe("configmaps")
    async with asyncio.timeout(60):
        waiting = asyncio.create_task(subscription.next_change())
        await asyncio.sleep(0)
        store.create("configmaps", "default", an_object())
        change = await waiting
    assert change is not None
    assert change.type == "ADDED"


async def test_a_subscription_from_a_version_replays_what_came_after_it() -> None:
    store = a_store("one", "two", "three")
    subscription = store.subscribe("configmaps", since=1)
    async with asyncio.timeout(60):
        names = [(await anext(subscription))[1]["metadata"]["name"] for _ in range(2)]
    assert names == ["two", "three"]


async def test_a_reader_too_far_behind_is_told() -> None:
    store = Store(history=3)
    store.create("configmaps", "default", an_object())
    subscription = store.subscribe("configmaps")
    for number in range(4):
        store.modify("configmaps", "default", "one", set_data(str(number)))
    async with asyncio.timeout(60):
        with pytest.raises(ExpiredError):
            await subscription.next_change()
    with pytest.raises(ExpiredError):
        store.subscribe("configmaps", since=1)


def test_the_version_of_a_deletion_is_new() -> None:
    store = a_store("one")
    store.delete_now("configmaps", "default", "one", uid=uid_of(store, "one"))
    assert store.version == 2


deeds = st.lists(st.tuples(st.sampled_from("cmd"), st.sampled_from("abc"), st.text(max_size=3)))


@settings(max_examples=50, deadline=None)
@given(deeds)
async def test_whoever_follows_the_changes_knows_the_objects(
    deeds: list[tuple[str, str, str]],
) -> None:
    store = Store()
    subscription = store.subscribe("configmaps")
    for deed, name, value in deeds:
        there = store.get("configmaps", "default", name)
        if deed == "c" and there is None:
            store.create("configmaps", "default", an_object(name))
        elif deed == "m":
            store.modify("configmaps", "default", name, set_data(value))
        elif deed == "d" and there is not None:
            store.delete_now("configmaps", "default", name, uid=there["metadata"]["uid"])
    known: dict[str, Object] = {}
    last = 0
    for _ in range(store.version):
        change = await subscription.next_change()
        assert change is not None
        assert change.version == last + 1
        last = change.version
        known[change.object["metadata"]["name"]] = change.object
        if change.type == "DELETED":
            del known[change.object["metadata"]["name"]]
    assert sorted(known) == [o["metadata"]["name"] for o in store.list("configmaps")]
    assert all(obj in known.values() for obj in store.list("configmaps"))


def test_a_journal_brings_back_every_object_and_the_version(tmp_path: Path) -> None:
    first = Store()
    journal = Journal(tmp_path, first)
    first.create("configmaps", "default", an_object("kept"))
    first.create("configmaps", "default", an_object("gone"))
    first.modify("configmaps", "default", "kept", set_data("x"))
    first.delete_now("configmaps", "default", "gone", uid=uid_of(first, "gone"))
    journal.close()

    second = Store()
    Journal(tmp_path, second).close()
    assert second.list("configmaps") == first.list("configmaps")
    assert second.version == first.version
    with pytest.raises(ExpiredError):
        second.subscribe("configmaps", since=1)


def test_a_journal_leaves_out_a_line_that_was_not_finished(tmp_path: Path) -> None:
    first = Store()
    journal = Journal(tmp_path, first)
    first.create("configmaps", "default", an_object("kept"))
    journal.close()
    with (tmp_path / "objects.jsonl").open("ab") as file:
        file.write(b'{"type":"ADDED","resou')
    second = Store()
    Journal(tmp_path, second).close()
    assert [obj["metadata"]["name"] for obj in second.list("configmaps")] == ["kept"]
