"""What the operator makes of the API server's answers, and of those that do not come."""

import json
from pathlib import Path
from typing import Any

import pytest

from ccx_api.names import ANNOTATION_STARTED_AS, FINALIZER
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_kube.errors import ApiError
from ccx_kube.link import RunnerLink
from ccx_kube.session import KubeSession
from ccx_operator.actions import AddFinalizer, ConfirmPod, CreatePod, Look, RemoveFinalizer
from ccx_operator.cluster import KubeCluster
from ccx_operator.controller import ConflictError
from ccx_operator.links import Links
from ccx_operator.outcomes import (
    ObjectGone,
    Outcome,
    PodGone,
    PodSeen,
    PodUnsure,
    Refused,
    Unanswered,
    Written,
)
from ccx_operator.pod_spec import Images
from support.api_server import ApiServer, a_kubeconfig
from support.reconciling import POD, POD_UID, UID, an_execution

PODS = "/api/v1/namespaces/ns/pods"
CREATE = CreatePod(POD)
FIND = ConfirmPod(POD, since="7")


def a_cluster(session: KubeSession) -> KubeCluster:
    async def open_link(namespace: str, pod: str, **calls: Any) -> RunnerLink:
        return await RunnerLink.open(session, namespace, pod, **calls)

    def ignore(*_: object) -> None:
        pass

    links = Links(open_link, ignore)
    return KubeCluster(
        session, links, Images("runtime", "runner"), tell=ignore, record_usage=ignore
    )


def work(version: str = "7", **spec: Any) -> ClaudeExecution:
    execution = an_execution(command=["true"], **spec)
    metadata = execution.metadata.model_copy(update={"resource_version": version})
    return execution.model_copy(update={"metadata": metadata})


def a_body(*, owner: str = UID, **status: Any) -> dict[str, Any]:
    owners = [{"uid": owner, "controller": True, "kind": "ClaudeExecution", "name": "e1"}]
    metadata = {"name": POD, "uid": POD_UID, "resourceVersion": "9", "ownerReferences": owners}
    return {"metadata": metadata, "spec": {}, "status": status}


def events(*found: tuple[str, dict[str, Any]]) -> bytes:
    lines = [json.dumps({"type": kind, "object": body}) for kind, body in found]
    return "".join(f"{line}\n" for line in lines).encode()


async def found(session: KubeSession, execution: ClaudeExecution | None = None) -> Outcome:
    return await a_cluster(session).carry_out(FIND, execution or work())


async def test_where_there_is_a_pod_nothing_else_is_asked(
    server: ApiServer, session: KubeSession
) -> None:
    server.answer(200, a_body())
    outcome = await found(session)
    assert isinstance(outcome, PodSeen)
    assert outcome.pod.uid == POD_UID
    assert len(server.seen) == 1


async def test_where_there_is_none_the_server_is_asked_whether_one_has_gone(
    server: ApiServer, session: KubeSession
) -> None:
    server.answer(404)
    server.answer(200, events(("ADDED", a_body()), ("DELETED", a_body(phase="Succeeded"))))
    outcome = await found(session)
    assert isinstance(outcome, PodGone)
    assert outcome.last is not None
    assert (outcome.last.uid, outcome.last.phase) == (POD_UID, "Succeeded")
    asked = dict(server.seen[1].params)
    assert (asked["fieldSelector"], asked["resourceVersion"]) == (f"metadata.name={POD}", "7")
    assert asked["timeoutSeconds"] == "1"


@pytest.mark.parametrize(
    "told",
    [
        b"",
        events(("ADDED", a_body()), ("MODIFIED", a_body())),
        events(("DELETED", a_body(owner="another"))),
        events(("ERROR", {"code": 410, "reason": "Expired"})),
    ],
)
async def test_what_the_server_does_not_know_of_has_not_been(
    told: bytes, server: ApiServer, session: KubeSession
) -> None:
    server.answer(404)
    server.answer(200, told)
    assert await found(session) == PodGone()


async def test_a_server_that_has_forgotten_that_version_is_no_failure(
    server: ApiServer, session: KubeSession
) -> None:
    server.answer(404)
    server.answer(410, {"reason": "Expired", "message": "too old resource version"})
    assert await found(session) == PodGone()


async def test_without_a_version_it_is_not_asked(server: ApiServer, session: KubeSession) -> None:
    server.answer(404)
    assert await a_cluster(session).carry_out(ConfirmPod(POD), work()) == PodGone()
    assert len(server.seen) == 1


async def test_a_creation_without_an_answer_is_known_to_be_unsure(
    tmp_path: Path,
) -> None:
    gone = a_kubeconfig(tmp_path, "http://127.0.0.1:1")
    async with await KubeSession.from_environment(gone) as nowhere:
        outcome = await a_cluster(nowhere).carry_out(CreatePod(POD), work("8"))
    assert outcome == PodUnsure("8")


async def test_an_answer_to_a_creation_is_not(server: ApiServer, session: KubeSession) -> None:
    server.answer(422, {"reason": "Invalid", "message": "no"})
    assert isinstance(await a_cluster(session).carry_out(CreatePod(POD), work()), Refused)


async def test_a_node_that_nobody_answers_for_is_told_from_a_runner_that_says_no(
    server: ApiServer, session: KubeSession
) -> None:
    look, words = Look(POD, POD_UID), "error dialing backend: dial tcp 10.0.0.1: i/o timeout"
    server.answer(500, {"message": words})
    unanswered = await a_cluster(session).carry_out(look, work())
    assert isinstance(unanswered, Unanswered)
    assert unanswered.node_is_silent
    assert words in unanswered.message
    server.answer(403, {"reason": "Forbidden", "message": "a policy does not allow it"})
    refused = await a_cluster(session).carry_out(look, work())
    assert isinstance(refused, Unanswered)
    assert not refused.node_is_silent


async def test_a_status_that_meets_no_execution_or_a_newer_one_is_not_written(
    server: ApiServer, session: KubeSession
) -> None:
    cluster, execution = a_cluster(session), work()
    server.answer(404, {"reason": "NotFound"})
    assert await cluster.patch_status(execution, execution.status) is None
    server.answer(409, {"reason": "Conflict"})
    with pytest.raises(ConflictError):
        await cluster.patch_status(execution, execution.status)
    server.answer(500, {"reason": "InternalError"})
    with pytest.raises(ApiError):
        await cluster.patch_status(execution, execution.status)


async def test_an_execution_of_the_same_name_is_another(
    server: ApiServer, session: KubeSession
) -> None:
    body = work().model_dump(mode="json", by_alias=True, exclude_none=True)
    server.answer(200, {**body, "metadata": {**body["metadata"], "uid": "another"}})
    assert await a_cluster(session).read(work()) is None
    server.answer(200, body)
    found = await a_cluster(session).read(work())
    assert found is not None
    server.answer(404, {"reason": "NotFound"})
    assert await a_cluster(session).read(work()) is None


async def test_a_pod_of_that_name_is_ours_or_somebody_elses(
    server: ApiServer, session: KubeSession
) -> None:
    server.answer(409, {"reason": "AlreadyExists", "message": "exists"})
    server.answer(200, a_body())
    assert isinstance(await a_cluster(session).carry_out(CREATE, work()), PodSeen)
    server.answer(409, {"reason": "AlreadyExists", "message": "exists"})
    server.answer(200, a_body(owner="another"))
    refused = await a_cluster(session).carry_out(CREATE, work())
    assert isinstance(refused, Refused)
    assert refused.kind == "name taken"


async def test_the_finalizer_comes_with_the_mark_and_goes_without_taking_others(
    server: ApiServer, session: KubeSession
) -> None:
    execution = work()
    metadata = execution.metadata.model_copy(update={"finalizers": ("other",)})
    execution = execution.model_copy(update={"metadata": metadata})
    answer = execution.model_dump(mode="json", by_alias=True, exclude_none=True)
    for action in (AddFinalizer(), RemoveFinalizer()):
        server.answer(200, answer)
        assert isinstance(await a_cluster(session).carry_out(action, execution), Written)
    added, removed = (seen.body["metadata"] for seen in server.seen)
    assert added["finalizers"] == ["other", FINALIZER]
    assert added["annotations"] == {ANNOTATION_STARTED_AS: UID}
    assert removed["finalizers"] == ["other"]
    assert "annotations" not in removed
    server.answer(404, {"reason": "NotFound"})
    assert await a_cluster(session).carry_out(RemoveFinalizer(), execution) == ObjectGone()
