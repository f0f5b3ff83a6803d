"""Lists in pieces, selectors, and watches from a version."""

import asyncio
from typing import Any

import pytest

from ccx_kube.errors import ApiError
from ccx_kube.objects import pages
from ccx_kube.watch import watch
from conformance.case import case
from conformance.cluster import Cluster


def a_configmap(name: str, **labels: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": labels}}


async def three(cluster: Cluster) -> str:
    for name, labels in (("a", {"app": "x"}), ("b", {"app": "y", "tier": "z"}), ("c", {})):
        await cluster.create(cluster.core("configmaps"), a_configmap(name, **labels))
    return cluster.core("configmaps")


def names(found: Any) -> list[str]:
    made = [item["metadata"]["name"] for item in found["items"]]
    return [name for name in made if name != "kube-root-ca.crt"]


@case("list.form")
async def test_a_list_has_a_version_and_of_built_in_kinds_bare_items(cluster: Cluster) -> Any:
    await cluster.create(cluster.core("secrets"), {"metadata": {"name": "one"}})
    await cluster.create(cluster.widgets(), cluster.a_widget())
    secrets = await cluster.get(cluster.core("secrets"))
    assert "kind" not in secrets["items"][0]
    widgets = await cluster.get(cluster.widgets())
    return [secrets, widgets, await cluster.get(cluster.core("pods"))]


@case("list.limit")
async def test_a_list_comes_in_pieces_of_one_version(cluster: Cluster) -> Any:
    for name in "abcde":
        await cluster.create(cluster.widgets(), cluster.a_widget(name))
    first = await cluster.get(cluster.widgets(), limit="2")
    following = first["metadata"]["continue"]
    await cluster.create(cluster.widgets(), cluster.a_widget("aa"))
    second = await cluster.get(cluster.widgets(), limit="2", **{"continue": following})
    third = await cluster.get(
        cluster.widgets(), limit="2", **{"continue": second["metadata"]["continue"]}
    )
    pieces = [first, second, third]
    assert [names(piece) for piece in pieces] == [["a", "b"], ["c", "d"], ["e"]]
    assert len({piece["metadata"]["resourceVersion"] for piece in pieces}) == 1
    wrong = await cluster.ask("GET", cluster.widgets(), limit="2", **{"continue": "nonsense"})
    return [piece["metadata"] for piece in pieces], wrong.code, wrong.body["reason"]


@case("list.limit-selector")
async def test_the_pieces_of_a_selection_hold_as_many_as_asked(cluster: Cluster) -> Any:
    for name, app in zip("abcdef", "xyxyxy", strict=True):
        metadata = {"labels": {"app": app}}
        await cluster.create(cluster.widgets(), cluster.a_widget(name, metadata=metadata))
    found = []
    async for page in pages(cluster.session, cluster.widgets(), label_selector="app=y"):
        found += names(page)
    assert found == ["b", "d", "f"]
    piece = await cluster.get(cluster.widgets(), limit="2", labelSelector="app=x")
    return [names(piece), piece["metadata"]]


@case("list.selectors")
async def test_labels_and_fields_select(cluster: Cluster) -> Any:
    path = await three(cluster)
    chosen = {}
    for selector in (
        "app=x",
        "app==x",
        "app!=x",
        "app",
        "!app",
        "app in (x,y)",
        "app notin (x)",
        "app in (x,y),tier",
        "app=",
    ):
        chosen[selector] = names(await cluster.get(path, labelSelector=selector))
    for selector in ("metadata.name=b", "metadata.name!=b", "metadata.name==none"):
        chosen[selector] = names(await cluster.get(path, fieldSelector=selector))
    assert chosen["app in (x,y)"] == ["a", "b"]
    return chosen


@case("watch.sequence")
async def test_a_watch_from_a_lists_version_misses_nothing(cluster: Cluster) -> Any:
    await cluster.create(cluster.widgets(), cluster.a_widget("a"))
    version = (await cluster.get(cluster.widgets()))["metadata"]["resourceVersion"]
    await cluster.create(cluster.widgets(), cluster.a_widget("b"))
    async with cluster.watch(cluster.widgets(), resourceVersion=version) as events:
        await cluster.merge(cluster.widgets("a"), {"spec": {"size": 8}})
        await cluster.merge(cluster.widgets("a"), {"spec": {"size": 8}})
        await cluster.ask("DELETE", cluster.widgets("b"))
        seen = await events.take(3)
    told = [(kind, obj["metadata"]["name"]) for kind, obj in seen]
    assert told == [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]
    versions = [int(obj["metadata"]["resourceVersion"]) for _, obj in seen]
    assert versions == sorted(versions)
    return seen


@case("watch.from-now")
async def test_a_watch_without_a_version_begins_with_what_there_is(cluster: Cluster) -> Any:
    await cluster.create(cluster.widgets(), cluster.a_widget("a"))
    async with cluster.watch(cluster.widgets()) as events:
        first = await events.names(1)
        await cluster.create(cluster.widgets(), cluster.a_widget("b"))
        return first + await events.names(1)


@case("watch.one")
async def test_our_watch_of_one_object_sees_that_one_alone(cluster: Cluster) -> Any:
    await cluster.create(cluster.widgets(), cluster.a_widget("a"))
    version = (await cluster.get(cluster.widgets()))["metadata"]["resourceVersion"]
    await cluster.create(cluster.widgets(), cluster.a_widget("b"))
    await cluster.merge(cluster.widgets("a"), {"spec": {"size": 8}})
    await cluster.ask("DELETE", cluster.widgets("a"))
    seen = []
    async with asyncio.timeout(60):
        async for kind, found in watch(
            cluster.session, cluster.widgets(), version=version, name="a"
        ):
            seen.append((kind, found["metadata"]["name"], found["spec"]["size"]))
            if kind == "DELETED":
                break
    assert seen == [("MODIFIED", "a", 8), ("DELETED", "a", 8)]
    return seen


@case("watch.selector")
async def test_an_object_enters_and_leaves_the_selector_of_a_watch(cluster: Cluster) -> Any:
    await cluster.create(cluster.widgets(), cluster.a_widget("a"))
    async with cluster.watch(cluster.widgets(), labelSelector="app=x") as events:
        for labels in ({"app": "x"}, {"app": "x", "more": "y"}, {"app": None}, {"app": "x"}):
            await cluster.merge(cluster.widgets("a"), {"metadata": {"labels": labels}})
        await cluster.ask("DELETE", cluster.widgets("a"))
        seen = await events.take(5)
    kinds = [kind for kind, _ in seen]
    assert kinds == ["ADDED", "MODIFIED", "DELETED", "ADDED", "DELETED"]
    return seen


@case("watch.initial-events")
async def test_initial_events_end_with_a_bookmark(cluster: Cluster) -> Any:
    await cluster.create(cluster.widgets(), cluster.a_widget("a"))
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
    async with cluster.watch(cluster.widgets(), allowWatchBookmarks="true", **query) as events:
        seen = await events.take(2)
    assert [kind for kind, _ in seen] == ["ADDED", "BOOKMARK"]
    wrong = await cluster.ask("GET", cluster.widgets(), watch="true", sendInitialEvents="true")
    return [seen, wrong.seen()]


@case("watch.expired")
async def test_a_watch_from_before_all_that_is_kept_is_410_in_its_stream(cluster: Cluster) -> Any:
    await cluster.create(cluster.widgets(), cluster.a_widget("a"))
    async with cluster.watch(cluster.widgets(), resourceVersion="1") as events:
        kind, status = await events.next()
        end = await events.next()
    assert (kind, status["code"], status["reason"], end) == ("ERROR", 410, "Expired", ("", None))
    words = status.pop("message").split()
    with pytest.raises(ApiError) as refused:
        async for _ in watch(cluster.session, cluster.widgets(), version="1", name="a"):
            pass
    assert refused.value.status == 410
    return [kind, status, words[:4]]


@case("watch.timeout")
async def test_a_watch_ends_when_its_time_is_up(cluster: Cluster) -> Any:
    async with cluster.watch(cluster.widgets(), timeoutSeconds="1") as events:
        assert await events.next() == ("", None)
    return "ended"


@case("watch.all-namespaces")
async def test_a_watch_of_all_namespaces_sees_this_one_too(cluster: Cluster) -> Any:
    path = cluster.widgets().replace(f"/namespaces/{cluster.namespace}", "").rstrip("/")
    version = (await cluster.get(path))["metadata"]["resourceVersion"]
    await cluster.create(cluster.widgets(), cluster.a_widget("here"))
    async with cluster.watch(path, resourceVersion=version) as events:
        return await events.take(1)


@case("watch.deleted-version")
async def test_the_event_of_a_deletion_has_a_newer_version(cluster: Cluster) -> Any:
    made = await cluster.create(cluster.core("configmaps"), a_configmap("a"))
    version = made["metadata"]["resourceVersion"]
    async with cluster.watch(
        cluster.core("configmaps"), resourceVersion=version, fieldSelector="metadata.name=a"
    ) as events:
        await cluster.ask("DELETE", cluster.core("configmaps", "a"))
        kind, last = await events.next()
    assert int(last["metadata"]["resourceVersion"]) > int(version)
    return [kind, last]
