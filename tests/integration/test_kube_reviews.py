"""The reviews over HTTP: what is asked, and what an error tells."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ccx_kube.errors import ApiError
from ccx_kube.reviews import Access, Identity, Reviews
from ccx_kube.session import KubeSession
from support.api_server import ApiServer, a_kubeconfig, running_api_server

ALICE = Identity("alice", "u1", ("devs",), (("pod", ("p1",)),))


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with running_api_server() as server:
        yield server


async def test_what_is_asked_is_what_the_api_server_reads(
    server: ApiServer, tmp_path: Path
) -> None:
    async with await KubeSession.from_environment(a_kubeconfig(tmp_path, server.url)) as session:
        reviews = Reviews(session)
        await reviews.who_is("t0ken", "aud")
        await reviews.may(ALICE, Access("patch", "ns", "e1"))
    of_token, of_access = server.seen
    assert (of_token.method, of_token.path) == (
        "POST",
        "/apis/authentication.k8s.io/v1/tokenreviews",
    )
    assert of_token.body["spec"] == {"token": "t0ken", "audiences": ["aud"]}
    assert of_access.path == "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    assert of_access.body["spec"] == {
        "user": "alice",
        "uid": "u1",
        "groups": ["devs"],
        "extra": {"pod": ["p1"]},
        "resourceAttributes": {
            "group": "cc-executor.dev",
            "version": "v1alpha1",
            "resource": "claudeexecutions",
            "verb": "patch",
            "namespace": "ns",
            "name": "e1",
        },
    }


async def test_an_error_does_not_tell_the_token_back(server: ApiServer, tmp_path: Path) -> None:
    quoted = {"reason": "BadRequest", "message": 'json: cannot unmarshal "t0ken"'}
    server.answer(400, quoted)
    async with await KubeSession.from_environment(a_kubeconfig(tmp_path, server.url)) as session:
        with pytest.raises(ApiError) as caught:
            await Reviews(session).who_is("t0ken", "aud")
    assert (caught.value.status, caught.value.reason) == (400, "BadRequest")
    assert "t0ken" not in str(caught.value)
    assert caught.value.__suppress_context__
