"""Executions, pods and events: what is asked of the API server, and what counts as success."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ccx_api.conditions import Condition
from ccx_api.status import ExecutionStatus, Phase, UsageStatus
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_kube.config_maps import ConfigMaps
from ccx_kube.errors import ApiError
from ccx_kube.events import Events
from ccx_kube.executions import Executions, status_patch
from ccx_kube.pods import Pods
from ccx_kube.session import KubeSession
from support.api_server import ApiServer

EXECUTIONS = "/apis/cc-executor.dev/v1alpha1/namespaces/ns/claudeexecutions"
PODS = "/api/v1/namespaces/ns/pods"


def an_object(name: str = "e", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "ns", "uid": f"u-{name}", "resourceVersion": "7"}
    return {"metadata": metadata, "spec": {"prompt": "hi"}, **fields}


def an_execution() -> ClaudeExecution:
    return ClaudeExecution.model_validate(an_object())


async def test_an_execution_is_read_as_a_model(server: ApiServer, session: KubeSession) -> None:
    server.answer(200, an_object(status={"phase": "Running"}))
    found = await Executions(session).get("ns", "e")
    assert (found.metadata.uid, found.status.phase) == ("u-e", Phase.RUNNING)
    assert server.seen[0].path == f"{EXECUTIONS}/e"


async def test_a_list_comes_in_pieces_with_the_version_at_which_it_was_true(
    server: ApiServer, session: KubeSession
) -> None:
    server.answer(
        200, {"metadata": {"resourceVersion": "9", "continue": "c+1"}, "items": [an_object("a")]}
    )
    server.answer(200, {"metadata": {"resourceVersion": "9"}, "items": [an_object("b")]})
    found = await Executions(session).list("ns")
    assert [e.metadata.name for e in found] == ["a", "b"]
    assert [seen.params for seen in server.seen] == [
        (("limit", "500"),),
        (("limit", "500"), ("continue", "c+1")),
    ]


async def test_an_execution_that_is_not_understood_hides_no_other_and_is_not_quoted(
    server: ApiServer, session: KubeSession, caplog: pytest.LogCaptureFixture
) -> None:
    odd = an_object("odd", status={"phase": "s3cr3t"})
    server.answer(200, {"metadata": {"resourceVersion": "9"}, "items": [odd, an_object("a")]})
    found = await Executions(session).list()
    assert [e.metadata.name for e in found] == ["a"]
    assert server.seen[0].path == "/apis/cc-executor.dev/v1alpha1/claudeexecutions"
    assert "status.phase" in caplog.text
    assert "s3cr3t" not in caplog.text


async def test_a_status_is_patched_at_the_version_that_was_decided_on(
    server: ApiServer, session: KubeSession
) -> None:
    server.answer(200, an_object(status={"phase": "Paused"}))
    status = ExecutionStatus(phase=Phase.PAUSED, pod_name="p")
    written = await Executions(session).patch_status(an_execution(), status)
    assert written.status.phase is Phase.PAUSED
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("PATCH", f"{EXECUTIONS}/e/status")
    assert seen.headers["Content-Type"] == "application/merge-patch+json"
    assert seen.body["metadata"] == {"resourceVersion": "7"}
    assert seen.body["status"]["podName"] == "p"


async def test_a_status_decided_on_an_old_version_is_a_conflict(
    server: ApiServer, session: KubeSession
) -> None:
    server.answer(409, {"reason": "Conflict", "message": "the object has been modified"})
    with pytest.raises(ApiError) as caught:
        await Executions(session).patch_status(an_execution(), ExecutionStatus())
    assert caught.value.is_conflict


def test_what_a_status_no_longer_has_is_removed_but_no_null_is_put_into_a_list() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    condition = Condition(type="Running", status="True", reason="Started", last_transition_time=now)
    patch = status_patch(ExecutionStatus(conditions=(condition,), usage=UsageStatus()))
    assert patch["podName"] is None
    assert patch["usage"]["costUSD"] is None
    assert patch["conditions"][0]["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert "null" not in json.dumps(patch["conditions"])


async def test_finalizers_are_set_at_the_version_that_was_seen(
    server: ApiServer, session: KubeSession
) -> None:
    server.answer(200, an_object())
    await Executions(session).set_finalizers(an_execution(), ["a/b"])
    expected = {"metadata": {"resourceVersion": "7", "finalizers": ["a/b"]}}
    assert (server.seen[0].path, server.seen[0].body) == (f"{EXECUTIONS}/e", expected)


async def test_annotations_go_with_the_finalizers_and_only_ours_are_read(
    server: ApiServer, session: KubeSession
) -> None:
    answer = an_object()
    answer["metadata"]["annotations"] = {"a/b": "{...}", "cc-executor.dev/started-as": "u"}
    server.answer(200, answer)
    mark = {"cc-executor.dev/started-as": "u"}
    written = await Executions(session).set_finalizers(an_execution(), ["a/b"], mark)
    assert server.seen[0].body["metadata"]["annotations"] == mark
    assert written.metadata.annotations == mark


async def test_a_wish_is_a_patch_of_the_spec(server: ApiServer, session: KubeSession) -> None:
    server.answer(200, an_object())
    await Executions(session).patch_spec("ns", "e", {"desiredState": "Paused"})
    assert server.seen[0].body == {"spec": {"desiredState": "Paused"}}


async def test_pods_are_listed_by_label_in_one_namespace_or_all(
    server: ApiServer, session: KubeSession
) -> None:
    for name in ("a", "b"):
        server.answer(200, {"metadata": {}, "items": [{"metadata": {"name": name}}]})
    pods = Pods(session)
    assert [p["metadata"]["name"] async for p in pods.listed("x=y", "ns")] == ["a"]
    assert [p["metadata"]["name"] async for p in pods.listed("x=y")] == ["b"]
    assert [seen.path for seen in server.seen] == [PODS, "/api/v1/pods"]
    assert ("labelSelector", "x=y") in server.seen[0].params


async def test_a_pod_that_is_not_there_is_none(server: ApiServer, session: KubeSession) -> None:
    server.answer(404, {"reason": "NotFound"})
    assert await Pods(session).get("ns", "p") is None


async def test_a_pod_that_cannot_be_read_is_an_error(
    server: ApiServer, session: KubeSession
) -> None:
    server.answer(500)
    with pytest.raises(ApiError):
        await Pods(session).get("ns", "p")


async def test_a_pod_is_created_as_it_is(server: ApiServer, session: KubeSession) -> None:
    server.answer(201, {"metadata": {"uid": "u"}})
    created = await Pods(session).create("ns", {"metadata": {"name": "p"}})
    assert created == {"metadata": {"uid": "u"}}
    assert (server.seen[0].path, server.seen[0].body) == (PODS, {"metadata": {"name": "p"}})


@pytest.mark.parametrize(
    ("grace", "options"),
    [
        (None, {"preconditions": {"uid": "u"}}),
        (5, {"preconditions": {"uid": "u"}, "gracePeriodSeconds": 5}),
    ],
)
async def test_only_the_pod_of_that_uid_is_deleted(
    server: ApiServer, session: KubeSession, grace: int | None, options: dict[str, Any]
) -> None:
    await Pods(session).delete("ns", "p", "u", grace)
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.body) == ("DELETE", f"{PODS}/p", options)


@pytest.mark.parametrize("code", [404, 409])
async def test_a_pod_that_is_gone_or_another_is_deleted_already(
    server: ApiServer, session: KubeSession, code: int
) -> None:
    server.answer(code)
    await Pods(session).delete("ns", "p", "u")


async def test_a_deletion_that_is_forbidden_is_an_error(
    server: ApiServer, session: KubeSession
) -> None:
    server.answer(403)
    with pytest.raises(ApiError):
        await Pods(session).delete("ns", "p", "u")


async def test_only_the_pod_of_that_uid_is_annotated(
    server: ApiServer, session: KubeSession
) -> None:
    server.answer(200, an_object("p"))
    assert await Pods(session).annotate("ns", "p", "u", {"a": "1"}) == an_object("p")
    (seen,) = server.seen
    body = {"metadata": {"uid": "u", "annotations": {"a": "1"}}}
    assert (seen.method, seen.path, seen.body) == ("PATCH", f"{PODS}/p", body)


@pytest.mark.parametrize("code", [404, 409])
async def test_of_a_pod_that_is_gone_or_another_nothing_is_annotated(
    server: ApiServer, session: KubeSession, code: int
) -> None:
    server.answer(code)
    assert await Pods(session).annotate("ns", "p", "u", {}) is None


@pytest.mark.parametrize(("code", "reason"), [(201, ""), (409, "AlreadyExists")])
async def test_an_event_is_posted_or_there_already(
    server: ApiServer, session: KubeSession, code: int, reason: str
) -> None:
    server.answer(code, {"reason": reason})
    await Events(session).create("ns", {"reason": "Started"})
    assert server.seen[0].path == "/api/v1/namespaces/ns/events"


async def test_an_event_that_is_refused_is_an_error(
    server: ApiServer, session: KubeSession
) -> None:
    server.answer(422)
    with pytest.raises(ApiError):
        await Events(session).create("ns", {})


async def test_an_execution_is_deleted_only_as_it_was_seen(
    server: ApiServer, session: KubeSession
) -> None:
    server.answer(200)
    await Executions(session).delete("ns", "e", uid="u", version="7")
    (seen,) = server.seen
    assert (seen.method, seen.path) == ("DELETE", f"{EXECUTIONS}/e")
    assert seen.body == {"preconditions": {"uid": "u", "resourceVersion": "7"}}
    server.answer(404, {"reason": "NotFound"})
    await Executions(session).delete("ns", "e", uid="u", version="7")
    server.answer(409, {"reason": "Conflict"})
    with pytest.raises(ApiError) as caught:
        await Executions(session).delete("ns", "e", uid="u", version="8")
    assert caught.value.is_conflict


MAPS = "/api/v1/namespaces/ns/configmaps"


async def test_a_config_map_is_created_read_and_replaced_as_it_was_read(
    server: ApiServer, session: KubeSession
) -> None:
    maps = ConfigMaps(session)
    server.answer(404, {"reason": "NotFound"})
    assert await maps.get("ns", "m") is None
    body = {"metadata": {"name": "m", "resourceVersion": "7"}, "data": {"a": "b"}}
    server.answer(201, body)
    await maps.create("ns", body)
    server.answer(200, body)
    assert await maps.get("ns", "m") == body
    server.answer(409, {"reason": "Conflict"})
    with pytest.raises(ApiError) as caught:
        await maps.replace("ns", body)
    assert caught.value.is_conflict
    asked = [(seen.method, seen.path, seen.body) for seen in server.seen if seen.method != "GET"]
    assert asked == [("POST", MAPS, body), ("PUT", f"{MAPS}/m", body)]
