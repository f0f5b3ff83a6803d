"""The keeper against an API server that does not do what it is asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway.session_keeper import SessionKeeper, SessionTimes
from ccx_gateway.takeover import TRIES, SessionRefused
from ccx_kube.errors import ApiError
from ccx_kube.session import KubeSession
from support.api_server import ApiServer, a_kubeconfig, running_api_server
from support.links import until

LEASES = "/apis/coordination.k8s.io/v1/namespaces/"
CONFLICT = {"reason": "Conflict", "message": "the object has been modified"}
QUICK = SessionTimes(renew=60, leave=0, retry=0)


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with running_api_server() as server:
        yield server


@asynccontextmanager
async def a_keeper(server: ApiServer, directory: Path) -> AsyncIterator[SessionKeeper]:
    """Of the gateway g, for a minute at most."""
    kubeconfig = a_kubeconfig(directory, server.url)
    async with asyncio.timeout(60), await KubeSession.from_environment(kubeconfig) as session:
        yield SessionKeeper(session, "g", times=QUICK)


@asynccontextmanager
async def at_work(keeper: SessionKeeper) -> AsyncIterator[None]:
    task = asyncio.create_task(keeper.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def an_object(gateway: str = "g", uid: str = "u", **spec: Any) -> dict[str, Any]:
    metadata = {"name": "e", "namespace": "ns", "uid": uid, "resourceVersion": "7"}
    session = {"id": "s", "gateway": gateway}
    return {"metadata": metadata, "spec": {"command": ["true"], "session": session, **spec}}


def an_execution(gateway: str = "g") -> ClaudeExecution:
    return ClaudeExecution.model_validate(an_object(gateway))


def asked(server: ApiServer) -> list[str]:
    """What was asked of the execution."""
    return [seen.method for seen in server.seen if not seen.path.startswith(LEASES)]


async def test_a_cancel_that_fails_is_tried_again_until_it_is_written(
    server: ApiServer, tmp_path: Path
) -> None:
    async with a_keeper(server, tmp_path) as keeper:
        await keeper.claim(an_execution(), "s")
        async with at_work(keeper):
            await until(lambda: len(server.seen) == 2)  # the Lease, made and renewed
            server.answer(500)
            server.answer(200, an_object())
            server.answer(409, CONFLICT)
            server.answer(200, an_object())
            server.answer(200, an_object())
            keeper.closed("s")
            await until(lambda: len(asked(server)) == 5)
    assert asked(server) == ["GET", "GET", "PATCH", "GET", "PATCH"]
    assert server.seen[-1].body == {
        "metadata": {"resourceVersion": "7"},
        "spec": {"desiredState": "Cancelled", "session": {"gateway": None}},
    }


async def test_without_a_lease_nothing_is_claimed(server: ApiServer, tmp_path: Path) -> None:
    async with a_keeper(server, tmp_path) as keeper:
        server.answer(403, {"reason": "Forbidden", "message": "no"})
        with pytest.raises(ApiError):
            await keeper.claim(an_execution("other"), "s")
        assert asked(server) == []


async def test_a_removed_lease_is_made_again(server: ApiServer, tmp_path: Path) -> None:
    async with a_keeper(server, tmp_path) as keeper:
        server.answer(404, {"reason": "NotFound"})
        await keeper.begin("s")
    assert [seen.method for seen in server.seen] == ["PATCH", "POST"]
    assert server.seen[1].body["metadata"]["labels"] == {"app.kubernetes.io/component": "gateway"}


async def test_a_takeover_that_conflicts_is_decided_again(
    server: ApiServer, tmp_path: Path
) -> None:
    async with a_keeper(server, tmp_path) as keeper:
        server.answer()  # the Lease
        server.answer(409, CONFLICT)
        server.answer(200, an_object("other"))
        server.answer(200, an_object())
        taken = await keeper.take_over(an_execution("other"), "s", "new")
    assert taken == an_execution()
    assert asked(server) == ["PATCH", "GET", "PATCH"]


async def test_a_takeover_gives_up_in_the_end(server: ApiServer, tmp_path: Path) -> None:
    async with a_keeper(server, tmp_path) as keeper:
        server.answer()  # the Lease
        for _ in range(TRIES):
            server.answer(409, CONFLICT)
            server.answer(200, an_object("other"))
        with pytest.raises(SessionRefused, match="try again"):
            await keeper.take_over(an_execution("other"), "s", "new")


async def test_another_execution_of_that_name_is_not_taken_over(
    server: ApiServer, tmp_path: Path
) -> None:
    async with a_keeper(server, tmp_path) as keeper:
        server.answer()  # the Lease
        server.answer(409, CONFLICT)
        server.answer(200, an_object("other", uid="v"))
        with pytest.raises(SessionRefused, match="was deleted"):
            await keeper.take_over(an_execution("other"), "s", "new")


async def test_an_execution_of_no_session_is_not_taken_over(
    server: ApiServer, tmp_path: Path
) -> None:
    free = ClaudeExecution.model_validate({**an_object(), "spec": {"command": ["true"]}})
    async with a_keeper(server, tmp_path) as keeper:
        with pytest.raises(SessionRefused, match="no session"):
            await keeper.take_over(free, "s", "new")
    assert server.seen == []
