"""devcluster over real HTTP: what every client of a Kubernetes API may rely on."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from devcluster.server import running_devcluster
from support.devcluster_client import Client
from support.devcluster_objects import CRDS, WIDGETS, a_crd, a_pod, a_widget

PODS = "/api/v1/namespaces/default/pods"
CONFIGMAPS = "/api/v1/namespaces/default/configmaps"
NAMESPACES = "/api/v1/namespaces"
FAULTS = "/devcluster/faults"


@pytest.fixture
async def api() -> AsyncIterator[Client]:
    async with running_devcluster(with_node=False) as cluster, Client(cluster.url) as client:
        await client.create(CRDS, a_crd())
        yield client


def a_configmap(name: str = "one", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}


def owned_by(owner: dict[str, Any]) -> dict[str, Any]:
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True}
    names = {"name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
    return {"ownerReferences": [{**reference, **names}]}


def is_gone(answer: Any) -> bool:
    return bool(answer.get("code") == 404)


# create, update, patch


async def test_an_object_is_created_with_defaults_and_read_back(api: Client) -> None:
    created = await api.create(WIDGETS, a_widget())
    assert created["metadata"]["generation"] == 1
    assert created["spec"]["size"] == 3
    assert await api.get(f"{WIDGETS}/one") == created


async def test_a_name_is_made_from_a_prefix(api: Client) -> None:
    widget = a_widget()
    widget["metadata"] = {"generateName": "run-"}
    names = {(await api.create(WIDGETS, widget))["metadata"]["name"] for _ in range(2)}
    assert len(names) == 2
    assert all(name.startswith("run-") and len(name) == 9 for name in names)


async def test_a_second_object_of_that_name_is_a_conflict(api: Client) -> None:
    await api.create(WIDGETS, a_widget())
    code, status = await api.ask("POST", WIDGETS, a_widget())
    assert (code, status["reason"]) == (409, "AlreadyExists")
    assert status["message"] == 'widgets.example.dev "one" already exists'


async def test_an_update_of_what_has_changed_since_is_a_conflict(api: Client) -> None:
    first = await api.create(WIDGETS, a_widget())
    assert (await api.merge(f"{WIDGETS}/one", {"spec": {"size": 4}}))[0] == 200
    code, status = await api.ask("PUT", f"{WIDGETS}/one", first)
    assert (code, status["reason"]) == (409, "Conflict")
    stale = {"metadata": {"resourceVersion": first["metadata"]["resourceVersion"]}}
    assert (await api.merge(f"{WIDGETS}/one", {**stale, "spec": {"size": 5}}))[0] == 409
    code, status = await api.merge(f"{WIDGETS}/one/status", {**stale, "status": {"phase": "X"}})
    assert code == 409


async def test_spec_and_status_are_written_apart(api: Client) -> None:
    created = await api.create(WIDGETS, a_widget() | {"status": {"phase": "Mine"}})
    assert "status" not in created
    both = {"spec": {"size": 9}, "status": {"phase": "Running"}}
    _, seen = await api.merge(f"{WIDGETS}/one/status", both)
    assert (seen["spec"]["size"], seen["status"]["phase"]) == (3, "Running")
    _, seen = await api.merge(f"{WIDGETS}/one", {"spec": {"size": 9}, "status": {"phase": "X"}})
    assert (seen["spec"]["size"], seen["status"]["phase"]) == (9, "Running")


async def test_only_a_change_of_the_spec_is_a_new_generation(api: Client) -> None:
    await api.create(WIDGETS, a_widget())

    async def generation_after(path: str, patch: dict[str, Any]) -> int:
        return int((await api.merge(path, patch))[1]["metadata"]["generation"])

    one = f"{WIDGETS}/one"
    assert await generation_after(one, {"metadata": {"labels": {"a": "b"}}}) == 1
    assert await generation_after(f"{one}/status", {"status": {"phase": "Running"}}) == 1
    assert await generation_after(one, {"spec": {"size": 4}}) == 2
    assert await generation_after(one, {"spec": {"size": 4}}) == 2


async def test_a_patch_that_changes_nothing_spends_no_version(api: Client) -> None:
    created = await api.create(WIDGETS, a_widget())
    assert (await api.merge(f"{WIDGETS}/one", {"spec": {"size": 3}}))[1] == created


async def test_a_json_patch_tests_before_it_changes(api: Client) -> None:
    created = await api.create(WIDGETS, a_widget())
    version = created["metadata"]["resourceVersion"]
    replace = {"op": "replace", "path": "/spec/size", "value": 7}

    async def patched(expected: str) -> int:
        test = {"op": "test", "path": "/metadata/resourceVersion", "value": expected}
        media = "application/json-patch+json"
        return (await api.ask("PATCH", f"{WIDGETS}/one", [test, replace], content_type=media))[0]

    assert await patched("0") == 422
    assert await patched(version) == 200


async def test_a_dry_run_checks_everything_and_stores_nothing(api: Client) -> None:
    await api.create(WIDGETS, a_widget(), dryRun="All")
    assert (await api.ask("POST", WIDGETS, a_widget(size=0), dryRun="All"))[0] == 422
    assert is_gone((await api.ask("GET", f"{WIDGETS}/one"))[1])


async def test_an_unknown_field_is_refused_or_warned_of_as_asked(api: Client) -> None:
    wrong = a_widget(promt="x")
    code, status = await api.ask("POST", WIDGETS, wrong, fieldValidation="Strict")
    assert code == 400
    assert status["message"].endswith('strict decoding error: unknown field "spec.promt"')
    async with api.session.post(api.url + WIDGETS, json=wrong) as response:
        assert response.headers["Warning"] == '299 - "unknown field \\"spec.promt\\""'
        assert "promt" not in (await response.json())["spec"]


async def test_a_refusal_names_the_field(api: Client) -> None:
    code, status = await api.ask("POST", WIDGETS, a_widget(size=0))
    words = "spec.size in body should be greater than or equal to 1"
    assert code == 422
    assert status["message"] == (
        f'Widget.example.dev "one" is invalid: spec.size: Invalid value: 0: {words}'
    )
    cause = {"reason": "FieldValueInvalid", "message": f"Invalid value: 0: {words}"}
    assert status["details"]["causes"] == [{**cause, "field": "spec.size"}]


async def test_a_secret_takes_strings_and_gives_base64(api: Client) -> None:
    secret = {"kind": "Secret", "metadata": {"name": "s"}, "stringData": {"key": "value"}}
    created = await api.create("/api/v1/namespaces/default/secrets", secret)
    assert created["data"] == {"key": base64.b64encode(b"value").decode()}
    assert "stringData" not in created


# delete


async def test_a_finalizer_holds_an_object_and_no_other_may_join_it(api: Client) -> None:
    await api.create(WIDGETS, a_widget(metadata={"finalizers": ["example.dev/a"]}))
    code, marked = await api.ask("DELETE", f"{WIDGETS}/one")
    assert code == 200
    assert marked["metadata"]["deletionTimestamp"]
    assert marked["metadata"]["generation"] == 2
    more = {"metadata": {"finalizers": ["example.dev/a", "example.dev/b"]}}
    assert (await api.merge(f"{WIDGETS}/one", more))[0] == 422
    assert (await api.merge(f"{WIDGETS}/one", {"metadata": {"finalizers": None}}))[0] == 200
    assert is_gone((await api.ask("GET", f"{WIDGETS}/one"))[1])


async def test_a_delete_for_another_uid_is_a_conflict(api: Client) -> None:
    created = await api.create(CONFIGMAPS, a_configmap())
    options = {"preconditions": {"uid": "other"}}
    assert (await api.ask("DELETE", f"{CONFIGMAPS}/one", options))[0] == 409
    options = {"preconditions": {"uid": created["metadata"]["uid"]}}
    code, status = await api.ask("DELETE", f"{CONFIGMAPS}/one", options)
    assert (code, status["status"]) == (200, "Success")


async def test_what_is_owned_goes_with_its_last_owner(api: Client) -> None:
    owner = await api.create(WIDGETS, a_widget())
    await api.create(CONFIGMAPS, a_configmap("owned", **owned_by(owner)))
    await api.create(PODS, a_pod("owned", metadata=owned_by(owner)))
    await api.create(CONFIGMAPS, a_configmap("free"))
    await api.ask("DELETE", f"{WIDGETS}/one")
    await api.until(f"{CONFIGMAPS}/owned", is_gone)
    await api.until(f"{PODS}/owned", is_gone)
    assert (await api.get(f"{CONFIGMAPS}/free"))["metadata"]["name"] == "free"


async def test_what_is_made_for_an_owner_that_has_gone_is_collected(api: Client) -> None:
    owner = await api.create(WIDGETS, a_widget())
    await api.ask("DELETE", f"{WIDGETS}/one")
    await api.create(CONFIGMAPS, a_configmap("late", **owned_by(owner)))
    await api.until(f"{CONFIGMAPS}/late", is_gone)


async def test_a_collection_is_deleted_by_selector(api: Client) -> None:
    await api.create(CONFIGMAPS, a_configmap("a", labels={"app": "x"}))
    await api.create(CONFIGMAPS, a_configmap("b"))
    await api.ask("DELETE", CONFIGMAPS, labelSelector="app=x")
    assert [i["metadata"]["name"] for i in (await api.get(CONFIGMAPS))["items"]] == ["b"]


async def test_namespaces_are_not_deleted_all_at_once(api: Client) -> None:
    assert (await api.ask("DELETE", NAMESPACES))[0] == 405
    assert (await api.get(f"{NAMESPACES}/default"))["status"]["phase"] == "Active"


async def test_a_running_pod_has_its_grace_and_a_second_delete_may_end_it(api: Client) -> None:
    await api.create(PODS, a_pod(nodeName="node", terminationGracePeriodSeconds=5))
    _, marked = await api.ask("DELETE", f"{PODS}/pod")
    assert marked["metadata"]["deletionGracePeriodSeconds"] == 5
    assert (await api.get(f"{PODS}/pod"))["metadata"]["deletionTimestamp"]
    await api.ask("DELETE", f"{PODS}/pod", gracePeriodSeconds="0")
    assert is_gone((await api.ask("GET", f"{PODS}/pod"))[1])


async def test_a_namespace_goes_with_all_that_is_in_it(api: Client) -> None:
    await api.create(NAMESPACES, {"metadata": {"name": "team"}})
    place = WIDGETS.replace("default", "team")
    await api.create(place, a_widget(metadata={"finalizers": ["example.dev/a"]}))
    _, marked = await api.ask("DELETE", f"{NAMESPACES}/team")
    assert marked["status"]["phase"] == "Terminating"
    await api.until(f"{place}/one", lambda o: "deletionTimestamp" in o.get("metadata", {}))
    code, status = await api.ask("POST", place, a_widget("two"))
    assert code == 403
    assert "it is being terminated" in status["message"]
    await api.merge(f"{place}/one", {"metadata": {"finalizers": None}})
    await api.until(f"{NAMESPACES}/team", is_gone)


async def test_a_definition_goes_with_all_of_its_objects(api: Client) -> None:
    await api.create(WIDGETS, a_widget())
    await api.ask("DELETE", f"{CRDS}/widgets.example.dev")
    await api.until(f"{CRDS}/widgets.example.dev", is_gone)
    async with api.session.get(api.url + WIDGETS) as response:
        assert (response.status, await response.text()) == (404, "404 page not found\n")
    await api.create(CRDS, a_crd())
    assert (await api.get(WIDGETS))["items"] == []


async def test_nothing_is_made_in_a_namespace_that_is_not_there(api: Client) -> None:
    code, status = await api.ask("POST", WIDGETS.replace("default", "nowhere"), a_widget())
    assert (code, status["message"]) == (404, 'namespaces "nowhere" not found')


# admission of pods


async def test_a_quota_refuses_one_pod_too_many(api: Client) -> None:
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}}
    await api.create("/api/v1/namespaces/default/resourcequotas", quota)
    await api.create(PODS, a_pod("first"))
    code, status = await api.ask("POST", PODS, a_pod("second"))
    assert code == 403
    assert status["message"] == (
        'pods "second" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, '
        "limited: pods=1"
    )
    await api.merge(f"{PODS}/first/status", {"status": {"phase": "Succeeded"}})
    await api.create(PODS, a_pod("second"))


async def test_a_restricted_namespace_refuses_an_unsafe_pod(api: Client) -> None:
    label = {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}
    await api.merge(f"{NAMESPACES}/default", label)
    code, status = await api.ask("POST", PODS, a_pod())
    assert code == 403
    assert 'violates PodSecurity "restricted:latest": allowPriv' in status["message"]


async def test_a_pod_of_an_unknown_service_account_is_refused(api: Client) -> None:
    code, status = await api.ask("POST", PODS, a_pod(serviceAccountName="nobody"))
    assert code == 403
    assert 'serviceaccount "nobody" not found' in status["message"]


# list and watch


async def test_a_list_and_a_watch_from_its_version_miss_nothing(api: Client) -> None:
    await api.create(WIDGETS, a_widget("a"))
    version = (await api.get(WIDGETS))["metadata"]["resourceVersion"]
    await api.create(WIDGETS, a_widget("b"))
    async with api.watch(WIDGETS, resourceVersion=version) as events:
        await api.merge(f"{WIDGETS}/a", {"spec": {"size": 8}})
        await api.ask("DELETE", f"{WIDGETS}/b")
        seen = await events.names(3)
    assert seen == [("ADDED", "b"), ("MODIFIED", "a"), ("DELETED", "b")]


async def test_a_watch_without_a_version_begins_with_what_there_is(api: Client) -> None:
    await api.create(WIDGETS, a_widget("a"))
    async with api.watch(WIDGETS) as events:
        await api.create(WIDGETS, a_widget("b"))
        assert await events.names(2) == [("ADDED", "a"), ("ADDED", "b")]


async def test_initial_events_end_with_a_bookmark(api: Client) -> None:
    await api.create(WIDGETS, a_widget("a"))
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
    async with api.watch(WIDGETS, allowWatchBookmarks="true", **query) as events:
        assert (await events.next())[0] == "ADDED"
        kind, bookmark = await events.next()
    assert kind == "BOOKMARK"
    assert bookmark["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


async def test_an_object_enters_and_leaves_the_selector_of_a_watch(api: Client) -> None:
    await api.create(WIDGETS, a_widget("a"))
    async with api.watch(WIDGETS, labelSelector="app=x") as events:
        for labels in ({"app": "x"}, {"app": "x", "more": "y"}, {"app": None}, {"app": "x"}):
            await api.merge(f"{WIDGETS}/a", {"metadata": {"labels": labels}})
        kinds = [(await events.next())[0] for _ in range(4)]
    assert kinds == ["ADDED", "MODIFIED", "DELETED", "ADDED"]


async def test_a_watch_ends_when_its_time_is_up(api: Client) -> None:
    async with api.watch(WIDGETS, timeoutSeconds="1") as events:
        assert await events.next() == ("", None)


async def test_a_watch_of_all_namespaces_sees_each_and_of_one_only_its_own(api: Client) -> None:
    await api.create(NAMESPACES, {"metadata": {"name": "team"}})
    async with (
        api.watch("/api/v1/configmaps") as everywhere,
        api.watch(CONFIGMAPS) as here,
    ):
        await api.create(CONFIGMAPS.replace("default", "team"), a_configmap("there"))
        await api.create(CONFIGMAPS, a_configmap("here"))
        assert await everywhere.names(2) == [("ADDED", "there"), ("ADDED", "here")]
        assert await here.names(1) == [("ADDED", "here")]


@asynccontextmanager
async def api_on(data: Path) -> AsyncIterator[Client]:
    running = running_devcluster(with_node=False, data_dir=data)
    async with running as cluster, Client(cluster.url) as client:
        yield client


async def test_objects_are_kept_and_old_watches_expired_after_a_restart(tmp_path: Path) -> None:
    async with api_on(tmp_path) as api:
        await api.create(CRDS, a_crd())
        owner = await api.create(WIDGETS, a_widget())
        await api.create(CONFIGMAPS, a_configmap("owned", **owned_by(owner)))
    async with api_on(tmp_path) as api:
        assert await api.get(f"{WIDGETS}/one") == owner
        async with api.watch(WIDGETS, resourceVersion="1") as events:
            kind, status = await events.next()
        assert (kind, status["code"], status["reason"]) == ("ERROR", 410, "Expired")
        await api.ask("DELETE", f"{WIDGETS}/one")
        await api.until(f"{CONFIGMAPS}/owned", is_gone)


async def test_a_patch_that_changes_nothing_costs_no_version_and_is_fenced_all_the_same(
    api: Client,
) -> None:
    first = await api.create(WIDGETS, a_widget(metadata={"finalizers": ["example.dev/f"]}))
    version = first["metadata"]["resourceVersion"]
    same = {"metadata": {"resourceVersion": version, "finalizers": ["example.dev/f"]}}
    code, told = await api.merge(f"{WIDGETS}/one", same)
    assert (code, told["metadata"]["resourceVersion"]) == (200, version)
    await api.merge(f"{WIDGETS}/one", {"spec": {"size": 4}})
    code, told = await api.merge(f"{WIDGETS}/one", same)
    assert (code, told["reason"]) == (409, "Conflict")


# faults


async def test_a_fault_strikes_as_often_as_asked_and_only_what_fits(api: Client) -> None:
    await api.create(WIDGETS, a_widget())
    fault = {"fault": "conflict", "verb": "patch", "subresource": "status", "count": 2}
    await api.ask("POST", FAULTS, {**fault, "resource": "widgets.example.dev"})
    status = {"status": {"phase": "X"}}
    codes = [(await api.merge(f"{WIDGETS}/one/status", status))[0] for _ in range(3)]
    assert codes == [409, 409, 200]
    assert (await api.get(FAULTS))["injected"] == {"conflict": 2}


@pytest.mark.parametrize(("fault", "code"), [("too-many-requests", 429), ("server-error", 500)])
async def test_an_error_can_be_asked_for(api: Client, fault: str, code: int) -> None:
    await api.ask("POST", FAULTS, {"fault": fault, "verb": "list", "seconds": 2})
    async with api.session.get(api.url + PODS) as response:
        assert response.status == code
        assert response.headers.get("Retry-After") == ("2" if code == 429 else None)


async def test_a_reset_ends_the_connection_and_the_deed_is_not_done(api: Client) -> None:
    await api.ask("POST", FAULTS, {"fault": "reset", "verb": "create"})
    with pytest.raises(aiohttp.ClientError):
        await api.create(WIDGETS, a_widget())
    await api.create(WIDGETS, a_widget())


async def test_a_running_watch_can_be_made_to_expire(api: Client) -> None:
    async with api.watch(WIDGETS) as events:
        await api.ask("POST", FAULTS, {"fault": "gone", "verb": "watch"})
        await api.create(WIDGETS, a_widget())
        kind, status = await events.next()
        assert (kind, status["code"]) == ("ERROR", 410)
        assert await events.next() == ("", None)


async def test_a_write_whose_answer_is_lost_has_been_carried_out(api: Client) -> None:
    fault = {"fault": "lost-answer", "after": 1, "seconds": 0, "agent": "Python"}
    await api.ask("POST", FAULTS, fault)
    await api.create(WIDGETS, a_widget("one"))
    with pytest.raises(aiohttp.ClientError):
        await api.create(WIDGETS, a_widget("two"))
    assert (await api.get(f"{WIDGETS}/two"))["metadata"]["name"] == "two"
    counted = (await api.get("/devcluster/requests"))["requests"]
    made = [r["count"] for r in counted if (r["verb"], r["code"]) == ("create", 201)]
    assert made[-1] == 2


async def test_a_fault_that_is_not_known_is_refused_with_those_that_are(api: Client) -> None:
    code, status = await api.ask("POST", FAULTS, {"fault": "flood"})
    assert code == 400
    assert "too-many-requests" in status["message"]


async def test_requests_are_counted_by_what_they_were(api: Client) -> None:
    await api.create(WIDGETS, a_widget())
    await api.merge(f"{WIDGETS}/one/status", {"status": {"phase": "X"}})
    counted = (await api.get("/devcluster/requests"))["requests"]
    common = {"verb": "patch", "resource": "widgets.example.dev", "namespace": "default"}
    told = {"subresource": "status", "agent": "Python", "code": 200, "count": 1}
    assert {**common, **told} in counted


# speed


async def test_many_objects_are_created_and_all_of_them_watched(api: Client) -> None:
    count, clients = 300, 8

    async def create(first: int) -> None:
        for number in range(first, count, clients):
            await api.create(WIDGETS, a_widget(f"w-{number}"))

    async with api.watch(WIDGETS) as events, asyncio.TaskGroup() as tasks:
        for first in range(clients):
            tasks.create_task(create(first))
        seen = await events.names(count)
    assert len(set(seen)) == count
