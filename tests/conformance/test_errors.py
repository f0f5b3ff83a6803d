"""Codes and bodies of refusals: what ApiError is made of, and what users read."""

from typing import Any

import pytest

from ccx_kube.errors import ApiError
from conformance.case import case
from conformance.cluster import MERGE, STRATEGIC, Cluster

CONFIGMAP = {"kind": "ConfigMap", "metadata": {"name": "one"}}


@case("error.not-found")
async def test_an_object_that_is_not_there_is_404_and_named(cluster: Cluster) -> Any:
    with pytest.raises(ApiError) as refused:
        await cluster.session.request("GET", cluster.core("pods", "none"))
    assert refused.value.is_not_found
    seen = []
    for path in (cluster.core("pods", "none"), cluster.widgets("none")):
        seen.append((await cluster.ask("GET", path)).seen())
        seen.append((await cluster.ask("DELETE", path)).seen())
        seen.append((await cluster.merge(path, {})).seen())
    return seen


@case("error.no-such-page")
async def test_a_path_that_names_no_resource_is_404_in_plain_text(cluster: Cluster) -> Any:
    paths = ("/api/v1/gadgets", "/apis/none.example.dev/v1/gadgets")
    return [(await cluster.ask("GET", path)).seen() for path in paths]


@case("error.namespace-not-found")
async def test_nothing_is_made_in_a_namespace_that_is_not_there(cluster: Cluster) -> Any:
    path = cluster.core("configmaps").replace(cluster.namespace, "nowhere-conf")
    listed = await cluster.get(path)
    assert listed["items"] == []
    return (await cluster.ask("POST", path, CONFIGMAP)).seen()


@case("error.already-exists")
async def test_a_second_object_of_that_name_is_409_already_exists(cluster: Cluster) -> Any:
    bodies = ((cluster.core("configmaps"), CONFIGMAP), (cluster.widgets(), cluster.a_widget()))
    seen = []
    for path, body in bodies:
        await cluster.create(path, body)
        with pytest.raises(ApiError) as refused:
            await cluster.session.request("POST", path, body=body)
        assert refused.value.is_already_exists
        seen.append((await cluster.ask("POST", path, body)).seen())
    return seen


@case("error.conflict")
async def test_a_write_on_an_older_version_is_409_conflict(cluster: Cluster) -> Any:
    first = await cluster.create(cluster.widgets(), cluster.a_widget())
    one = cluster.widgets("one")
    await cluster.merge(one, {"spec": {"size": 4}})
    stale = {"metadata": {"resourceVersion": first["metadata"]["resourceVersion"]}}
    body = {**stale, "status": {"phase": "X"}}
    with pytest.raises(ApiError) as refused:
        await cluster.session.request("PATCH", f"{one}/status", body=body, content_type=MERGE)
    assert refused.value.is_conflict
    return [
        (await cluster.ask("PUT", one, first)).seen(),
        (await cluster.merge(one, {**stale, "spec": {"size": 5}})).seen(),
        (await cluster.merge(one, {**stale, "spec": {"size": 4}})).seen(),  # that changes nothing
        (await cluster.merge(f"{one}/status", {**stale, "status": {"phase": "X"}})).seen(),
    ]


@case("error.invalid")
async def test_mistakes_are_422_with_every_cause(cluster: Cluster) -> Any:
    wrong = cluster.a_widget(size=0, mode="Huge", prompt="")
    answer = await cluster.ask("POST", cluster.widgets(), wrong)
    assert (answer.code, answer.body["reason"]) == (422, "Invalid")
    fields = {cause["field"] for cause in answer.body["details"]["causes"]}
    assert fields >= {"spec.size", "spec.mode", "spec.prompt"}
    return answer.seen()


@case("error.not-json")
async def test_a_body_that_is_not_json_is_400(cluster: Cluster) -> Any:
    answers = [
        await cluster.ask("POST", path, body)
        for path in (cluster.core("configmaps"), cluster.widgets())
        for body in (b"{", b"[]")
    ]
    return [(a.code, a.body["reason"]) for a in answers]


@case("error.wrong-kind")
async def test_an_object_of_another_kind_is_400(cluster: Cluster) -> Any:
    return [
        (await cluster.ask("POST", path, {"apiVersion": "v1", **body})).seen()
        for path in (cluster.core("configmaps"), cluster.widgets())
        for body in ({"kind": "Secret", "metadata": {"name": "a"}},)
    ]


@case("error.method-not-allowed")
async def test_a_verb_that_a_resource_has_not_is_405(cluster: Cluster) -> Any:
    asked = (
        ("PATCH", cluster.core("pods")),
        ("DELETE", cluster.core("pods", "a", "log")),
    )
    return [(await cluster.ask(method, path, {})).seen() for method, path in asked]


@case("error.media-type")
async def test_a_body_of_an_unknown_form_is_415(cluster: Cluster) -> Any:
    await cluster.create(cluster.widgets(), cluster.a_widget())
    asked = (
        ("POST", cluster.core("configmaps"), "text/plain"),
        ("POST", cluster.widgets(), "text/plain"),
        ("PATCH", cluster.widgets("one"), "application/json"),
        ("PATCH", cluster.widgets("one"), STRATEGIC),
    )
    return [
        (await cluster.ask(method, path, {}, content_type=media)).seen()
        for method, path, media in asked
    ]


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
@case("error.too-large")
async def test_a_body_beyond_three_megabytes_is_413(cluster: Cluster) -> Any:
    body = {**CONFIGMAP, "data": {"x": "x" * (3 * 1024 * 1024)}}
    with pytest.raises(ApiError) as refused:
        await cluster.session.request("POST", cluster.core("configmaps"), body=body)
    return [refused.value.status, refused.value.reason, refused.value.message]


@case("error.query")
async def test_an_option_that_is_not_known_is_refused(cluster: Cluster) -> Any:
    path, body = cluster.widgets(), cluster.a_widget()
    return [
        (await cluster.ask("POST", path, body, dryRun="Some")).seen(),
        (await cluster.ask("POST", path, body, fieldValidation="Loose")).seen(),
        (await cluster.ask("GET", path, labelSelector="a=b=c")).seen(),
        (await cluster.ask("GET", path, fieldSelector="spec.size=3")).seen(),
        (await cluster.ask("GET", cluster.core("pods"), fieldSelector="spec.none=3")).seen(),
        (await cluster.ask("GET", path, limit="many")).code,
    ]


@case("error.metadata")
async def test_names_and_labels_are_held_to_the_rules(cluster: Cluster) -> Any:
    wrong: tuple[dict[str, Any], ...] = (
        {"name": "Not_Good"},
        {"name": ""},
        {"name": "x" * 254},
        {"name": "a", "namespace": "elsewhere"},
        {"name": "a", "labels": {"app": "not good"}},
        {"name": "a", "labels": {"app": "x" * 64}},
        {"name": "a", "labels": {"not good": "x"}},
        {"name": "a", "labels": {"app": 7}},
        {"name": "a", "finalizers": ["unqualified"]},
        {"name": "a", "resourceVersion": "7"},
        {"name": "a", "annotations": {"Not good": "x"}},
        {"name": "a", "ownerReferences": [{"kind": "Pod", "apiVersion": "v1", "name": "p"}]},
    )
    return [
        (await cluster.ask("POST", path, {**body, "metadata": metadata})).seen()
        for path, body in (
            (cluster.widgets(), cluster.a_widget()),
            (cluster.core("configmaps"), CONFIGMAP),
        )
        for metadata in wrong
    ]
