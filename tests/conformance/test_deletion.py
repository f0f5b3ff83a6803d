"""Delete: what is answered, what holds an object, and what goes with it."""

import asyncio
from typing import Any

from conformance.case import case
from conformance.cluster import Answer, Cluster


def is_gone(answer: Answer) -> bool:
    return answer.code == 404


def a_configmap(name: str = "one", **metadata: Any) -> dict[str, Any]:
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name, **metadata}}


def owned_by(owner: dict[str, Any], **more: Any) -> dict[str, Any]:
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True}
    names = {"name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
    return {"ownerReferences": [{**reference, **names, **more}]}


@case("delete.answer")
async def test_a_deleted_object_is_gone_and_the_answer_says_which(cluster: Cluster) -> Any:
    await cluster.create(cluster.core("configmaps"), a_configmap())
    await cluster.create(cluster.widgets(), cluster.a_widget())
    answers = [
        await cluster.ask("DELETE", cluster.core("configmaps", "one")),
        await cluster.ask("DELETE", cluster.widgets("one")),
        await cluster.ask("DELETE", cluster.widgets("one")),
    ]
    assert [answer.code for answer in answers] == [200, 200, 404]
    return [answer.seen() for answer in answers]


@case("delete.preconditions")
async def test_a_delete_of_another_uid_or_version_is_409(cluster: Cluster) -> Any:
    made = await cluster.create(cluster.core("configmaps"), a_configmap())
    metadata, one = made["metadata"], cluster.core("configmaps", "one")
    uid, version = "2f0f2f5c-0000-4000-8000-000000000000", metadata["resourceVersion"]
    wrong = [
        await cluster.ask("DELETE", one, {"preconditions": {"uid": uid}}),
        await cluster.ask("DELETE", one, {"preconditions": {"resourceVersion": "1"}}),
    ]
    assert [answer.code for answer in wrong] == [409, 409]
    wrong[1].body["message"] = wrong[1].body["message"].replace(version, "VERSION")
    right = {"preconditions": {"uid": metadata["uid"], "resourceVersion": version}}
    return [answer.seen() for answer in (*wrong, await cluster.ask("DELETE", one, right))]


@case("delete.finalizer")
async def test_a_finalizer_holds_an_object_until_it_is_removed(cluster: Cluster) -> Any:
    held = cluster.a_widget(metadata={"finalizers": ["a.dev/hold"]})
    await cluster.create(cluster.widgets(), held)
    one = cluster.widgets("one")
    marked = await cluster.ask("DELETE", one)
    assert marked.body["metadata"]["generation"] == 2
    again = await cluster.ask("DELETE", one)
    more = await cluster.merge(one, {"metadata": {"finalizers": ["a.dev/hold", "a.dev/more"]}})
    assert more.code == 422
    spec = await cluster.merge(one, {"spec": {"size": 8}})
    released = await cluster.merge(one, {"metadata": {"finalizers": None}})
    assert (await cluster.ask("GET", one)).code == 404
    return [answer.seen() for answer in (marked, again, more, spec, released)]


@case("delete.finalizer-order")
async def test_removing_the_last_finalizer_of_what_lives_deletes_nothing(cluster: Cluster) -> Any:
    held = cluster.a_widget(metadata={"finalizers": ["a.dev/a", "a.dev/b"]})
    await cluster.create(cluster.widgets(), held)
    one = cluster.widgets("one")
    kept = await cluster.merge(one, {"metadata": {"finalizers": ["a.dev/b"]}})
    none = await cluster.merge(one, {"metadata": {"finalizers": []}})
    assert (await cluster.ask("GET", one)).code == 200
    return [kept.seen(), none.seen()]


@case("delete.collection")
async def test_a_collection_is_deleted_by_selector(cluster: Cluster) -> Any:
    path = cluster.core("configmaps")
    await cluster.create(path, a_configmap("a", labels={"app": "x"}))
    await cluster.create(path, a_configmap("b", labels={"app": "y"}))
    deleted = await cluster.ask("DELETE", path, labelSelector="app in (x)")
    left = await cluster.get(path, labelSelector="app")
    assert [item["metadata"]["name"] for item in left["items"]] == ["b"]
    return deleted.seen()


@case("delete.background")
async def test_what_is_owned_goes_with_its_last_owner(cluster: Cluster) -> Any:
    owner = await cluster.create(cluster.widgets(), cluster.a_widget())
    other = await cluster.create(cluster.widgets(), cluster.a_widget("two"))
    two = owned_by(owner)["ownerReferences"] + owned_by(other, controller=False)["ownerReferences"]
    maps = cluster.core("configmaps")
    await cluster.create(maps, a_configmap("owned", **owned_by(owner)))
    await cluster.create(maps, a_configmap("shared", ownerReferences=two))
    answer = await cluster.ask("DELETE", cluster.widgets("one"))
    await cluster.until(f"{maps}/owned", is_gone)
    late = await cluster.create(maps, a_configmap("late", **owned_by(owner)))
    await cluster.until(f"{maps}/late", is_gone)
    shared = await cluster.until(
        f"{maps}/shared", lambda a: len(a.body["metadata"]["ownerReferences"]) == 1
    )
    return [answer.seen(), late, shared.seen()]


@case("delete.foreground")
async def test_foreground_keeps_the_owner_until_its_dependents_are_gone(cluster: Cluster) -> Any:
    owner = await cluster.create(cluster.widgets(), cluster.a_widget())
    maps = cluster.core("configmaps")
    blocking = owned_by(owner, blockOwnerDeletion=True)
    await cluster.create(maps, a_configmap("owned", finalizers=["a.dev/hold"], **blocking))
    answer = await cluster.ask("DELETE", cluster.widgets("one"), propagationPolicy="Foreground")
    assert answer.body["metadata"]["finalizers"] == ["foregroundDeletion"]
    await cluster.until(f"{maps}/owned", lambda a: "deletionTimestamp" in a.body["metadata"])
    held = await cluster.ask("GET", cluster.widgets("one"))
    await cluster.merge(f"{maps}/owned", {"metadata": {"finalizers": None}})
    await cluster.until(cluster.widgets("one"), is_gone)
    return [answer.seen(), held.seen()]


@case("delete.orphan")
async def test_orphan_lets_the_dependents_live_without_their_owner(cluster: Cluster) -> Any:
    owner = await cluster.create(cluster.widgets(), cluster.a_widget())
    maps = cluster.core("configmaps")
    await cluster.create(maps, a_configmap("owned", **owned_by(owner)))
    answer = await cluster.ask("DELETE", cluster.widgets("one"), {"propagationPolicy": "Orphan"})
    await cluster.until(cluster.widgets("one"), is_gone)
    left = await cluster.ask("GET", f"{maps}/owned")
    assert left.code == 200
    return [answer.seen(), left.seen()]


@case("delete.policy")
async def test_a_policy_that_is_not_known_is_refused(cluster: Cluster) -> Any:
    await cluster.create(cluster.core("configmaps"), a_configmap())
    one = cluster.core("configmaps", "one")
    return (await cluster.ask("DELETE", one, propagationPolicy="Sideways")).seen()


@case("namespace.life")
async def test_a_namespace_goes_with_all_that_is_in_it(cluster: Cluster) -> Any:
    held = cluster.a_widget(metadata={"finalizers": ["a.dev/hold"]})
    await cluster.create(cluster.widgets(), held)
    await cluster.create(cluster.core("configmaps"), a_configmap())
    here = f"/api/v1/namespaces/{cluster.namespace}"
    before = await cluster.get(here)
    marked = await cluster.ask("DELETE", here)
    assert marked.body["status"]["phase"] == "Terminating"
    await cluster.until(cluster.widgets("one"), lambda a: "deletionTimestamp" in a.body["metadata"])
    refused = await cluster.ask("POST", cluster.core("configmaps"), a_configmap("late"))
    assert refused.code == 403
    await cluster.merge(cluster.widgets("one"), {"metadata": {"finalizers": None}})
    await cluster.until(here, is_gone)
    return [before, marked.seen(), refused.seen()]


@case("namespace.service-account")
async def test_a_namespace_gets_its_default_service_account(cluster: Cluster) -> Any:
    found = await cluster.until(
        cluster.core("serviceaccounts", "default"), lambda answer: answer.code == 200
    )
    return found.seen()


@case("delete.together")
async def test_of_many_deletes_at_once_one_is_told_that_it_did_it(cluster: Cluster) -> Any:
    await cluster.create(cluster.core("configmaps"), a_configmap())
    one = cluster.core("configmaps", "one")
    answers = await asyncio.gather(*(cluster.ask("DELETE", one) for _ in range(4)))
    return sorted(answer.code for answer in answers)
