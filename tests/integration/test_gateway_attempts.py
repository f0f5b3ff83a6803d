"""What a client is told where one attempt follows another: the stream goes on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_dev.stack import Stack
from ccx_gateway.watcher import Watcher
from ccx_kube.executions import Executions
from ccx_kube.pods import Pods
from ccx_kube.session import KubeSession
from support.wire_client import Object, WireClient, connected, methods, output_of

CLAIM = {"volumeClaimTemplate": {"storage": "64Mi"}}
TWICE = ["sh", "-c", "test -f mark && { echo again; exit 0; }; touch mark; echo first; sleep 600"]
"""Is to be lost in its first attempt, and done in the second one."""

RETRIED: dict[str, Any] = {"argv": TWICE, "backoffLimit": 1, "retryDelaySeconds": 0}
RETRIED |= {"workspace": CLAIM, "terminationGracePeriodSeconds": 1}


@pytest.fixture
async def session(local_stack: Stack) -> AsyncIterator[KubeSession]:
    """The cluster's own, and minutes for the test."""
    async with (
        asyncio.timeout(180),
        await KubeSession.from_environment(str(local_stack.kubeconfig)) as session,
    ):
        yield session


async def lose(session: KubeSession, pod: str, *, grace_seconds: int | None = None) -> None:
    found = await Pods(session).get("default", pod)
    assert found is not None
    await Pods(session).delete("default", pod, found["metadata"]["uid"], grace_seconds)


async def reaches(session: KubeSession, name: str, attempt: int) -> ClaudeExecution:
    """That attempt has a pod."""
    executions = Executions(session)
    return await Watcher(executions).until(
        await executions.get("default", name),
        lambda found: found.status.attempts == attempt and found.status.pod_name is not None,
    )


def outputs(messages: list[Object]) -> list[Object]:
    return [m["params"] for m in messages if m.get("method") == "process.output"]


async def begun(client: WireClient, **params: Any) -> tuple[Object, list[Object]]:
    """The answer, once the first attempt has printed its line."""
    answer = await client.result("execute", **params)
    return answer, await client.until("process.output")


async def test_the_stream_goes_on_with_the_next_attempt(
    local_stack: Stack, session: KubeSession
) -> None:
    async with connected(local_stack.websocket) as client:
        first, told = await begun(client, **RETRIED)
        assert ("attempt" in first, outputs(told)[-1]["data"]) == (False, "first\n")
        await lose(session, first["pod"])
        told = await client.until("process.completed")
    assert methods(told) == ["process.started", "process.output", "process.completed"]
    started, output = told[0]["params"], outputs(told)[0]
    assert (started["status"], started["attempt"]) == ("started", 2)
    assert started["pod"] == f"{first['pod'][:-1]}2"
    assert started["pid"] != first["pid"]
    assert (output["attempt"], output["offset"], output["data"]) == (2, 0, "again\n")
    assert told[-1]["params"]["exit_code"] == 0


async def test_of_a_pod_that_is_gone_at_once_the_end_of_its_output_may_not_be_known(
    local_stack: Stack, session: KubeSession
) -> None:
    async with connected(local_stack.websocket) as client:
        first, _ = await begun(client, **RETRIED)
        await lose(session, first["pod"], grace_seconds=0)
        told = await client.until("process.completed")
    names = methods(told)
    assert names[-3:] == ["process.started", "process.output", "process.completed"]
    assert names[:-3] in ([], ["process.error"])  # its link may have brought the end in time
    assert output_of(told) == b"again\n"


async def test_credit_is_that_of_the_stream_and_not_of_an_attempt(
    local_stack: Stack, session: KubeSession
) -> None:
    async with connected(local_stack.websocket) as client:
        first, _ = await begun(client, **RETRIED, credit=len("first\n"))
        await lose(session, first["pod"])
        told = await client.until("process.started")
        await client.send("credit", bytes=4)
        told += await client.until("process.output")
        assert outputs(told)[-1]["data"] == "agai"
        await client.send("credit", bytes=100)
        told += await client.until("process.completed")
    assert "".join(o["data"] for o in outputs(told)) == "again\n"


async def test_who_comes_back_at_an_attempt_that_is_over_is_told_what_cannot_be_had(
    local_stack: Stack, session: KubeSession
) -> None:
    argv = ["sh", "-c", "test -f mark && { echo again; sleep 600; }; " + TWICE[-1]]
    async with connected(local_stack.websocket) as client:
        stays = RETRIED | {"argv": argv, "onDisconnect": "Detach"}
        first, _ = await begun(client, **stays)
        name = first["execution"]
    async with connected(local_stack.websocket) as client:
        await lose(session, first["pod"])
        await reaches(session, name, 2)

        answer = await client.result("attach", execution=name, offset=2)
        assert (answer["attempt"], answer["offset"]) == (1, 2)
        told = await client.until("process.output")
        assert methods(told) == ["process.gap", "process.started", "process.output"]
        assert told[0]["params"] == {"execution": name, "from": 2, "to": 6, "bytes": 4}
        assert outputs(told)[0]["attempt"] == 2
        await client.result("detach", execution=name)

        answer = await client.result("attach", execution=name, attempt=2, offset=2)
        told = await client.until("process.output")
        assert methods(told) == ["process.output"]
        assert (outputs(told)[0]["offset"], outputs(told)[0]["data"]) == (2, "ain\n")
        await client.result("detach", execution=name)

        await client.send("attach", execution=name, attempt=3)
        error = (await client.next_response())["error"]
        assert error["code"] == -32602
        assert "attempt: there is no attempt 3, the newest is 2" in error["message"]
        await client.result("control", type="CANCEL", execution=name)
