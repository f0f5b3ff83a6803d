"""Executions through the gateway's WebSocket, seen from outside of it as well."""

import asyncio
import hashlib

import aiohttp
import pytest

from support.kubectl import Kubectl, an_execution
from support.outside import living, running
from support.under_test.gateways import READER, USER, Gateway
from support.under_test.processes import Processes
from support.waiting import eventually
from support.wire_client import WireClient, connected, methods, output_of

LOOP = 'setsid sh -c "while :; do echo tick; sleep 0.1; done" & wait'
LINES = 60
COUNT = f"n=0; while [ $n -lt {LINES} ]; do n=$((n+1)); echo line $n; sleep 0.1; done"
COUNTED = "".join(f"line {n}\n" for n in range(1, LINES + 1)).encode()


@pytest.fixture(scope="module")
def gateway_with_sign_in(gateway: Gateway) -> Gateway:
    if not gateway.signs_in:
        pytest.skip("this gateway asks nobody to sign in")
    return gateway


async def started(client: WireClient, kubectl: Kubectl, script: str, **params: object) -> str:
    """The name of an execution that runs."""
    argv = ["sh", "-c", script]
    told = await client.result("execute", argv=argv, namespace=kubectl.namespace, **params)
    assert told["status"] == "started"
    name: str = told["execution"]
    return name


async def test_a_command_runs_and_its_output_comes_by_offset(
    gateway: Gateway, kubectl: Kubectl
) -> None:
    async with connected(gateway.websocket, gateway.headers()) as client:
        argv = ["sh", "-c", "echo out; sleep 0.3; echo err >&2"]
        messages = await client.run(argv=argv, namespace=kubectl.namespace)
    assert methods(messages) == [
        *("response", "process.started", "process.output", "process.completed")
    ]
    assert output_of(messages) == b"out\nerr\n"
    assert messages[-1]["params"]["exit_code"] == 0
    status = kubectl.wait(messages[0]["result"]["execution"], "Finished")["status"]
    assert (status["phase"], status["output"]["bytes"]) == ("Succeeded", 8)


async def test_pause_is_proven_resume_goes_on_and_cancel_ends_it(
    gateway: Gateway, kubectl: Kubectl, processes: Processes
) -> None:
    async with connected(gateway.websocket, gateway.headers()) as client:
        name = await started(client, kubectl, LOOP, terminationGracePeriodSeconds=2)
        tree = processes.of(await asyncio.to_thread(kubectl.wait, name, "Running"))
        await asyncio.to_thread(eventually, lambda: len(tree.below()) >= 3, what="the loop runs")

        proof = await client.result("control", type="PAUSE")
        seen = tree.below()
        assert running(seen) == []
        assert proof["processesStopped"] == len(living(seen))
        assert (await client.until("process.paused"))[-1]["params"]["status"] == "paused"
        status = (await asyncio.to_thread(kubectl.wait, name, "Paused"))["status"]
        assert (status["phase"], status["reason"]) == ("Paused", "PausedByUser")

        await client.result("control", type="RESUME")
        assert output_of(await client.until("process.output")) != b""

        await client.result("control", type="CANCEL")
        end = (await client.until("process.completed"))[-1]["params"]
    assert end["phase"] == "Cancelled"
    status = kubectl.wait(name, "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Cancelled", "CancelledByUser")
    assert tree.left() == []


async def test_what_goes_at_its_end_still_tells_its_client_all_of_it(
    gateway: Gateway, kubectl: Kubectl
) -> None:
    async with connected(gateway.websocket, gateway.headers()) as client:
        name = await started(client, kubectl, f"{COUNT}; exit 3")
        patch = '{"spec":{"ttlSecondsAfterFinished":0}}'
        await asyncio.to_thread(kubectl, "patch", "cx", name, "--type", "merge", "-p", patch)
        messages = await client.until("process.completed")
    assert output_of(messages) == COUNTED
    assert messages[-1]["params"]["exit_code"] == 3
    gone = ("wait", f"cx/{name}", "--for=delete", "--timeout=90s")
    await asyncio.to_thread(kubectl, *gone)


async def test_a_client_that_comes_back_has_every_byte_once(
    gateway: Gateway, kubectl: Kubectl
) -> None:
    async with connected(gateway.websocket, gateway.headers()) as client:
        name = await started(client, kubectl, COUNT, onDisconnect="Detach")
        messages = await client.until("process.output")
    first = output_of(messages)
    async with connected(gateway.websocket, gateway.headers()) as client:
        place = {"execution": name, "namespace": kubectl.namespace, "offset": len(first)}
        await client.send("attach", **place)
        messages = await client.until("process.completed")
    assert [m for m in messages if m.get("method") == "process.gap"] == []
    whole = first + output_of(messages)
    assert whole == COUNTED
    status = kubectl.wait(name, "Succeeded")["status"]
    assert status["output"]["sha256"] == hashlib.sha256(whole).hexdigest()


async def test_whom_nobody_watched_is_read_from_its_pods_log_afterwards(
    gateway: Gateway, kubectl: Kubectl
) -> None:
    kubectl.apply(an_execution("unwatched", command=["sh", "-c", "echo out; echo err >&2"]))
    status = (await asyncio.to_thread(kubectl.wait, "unwatched", "Succeeded"))["status"]
    ended = "--for=jsonpath={.status.phase}=Succeeded"
    wait = ("wait", f"pod/{status['podName']}", ended, "--timeout=90s")
    await asyncio.to_thread(kubectl, *wait)
    async with connected(gateway.websocket, gateway.headers()) as client:
        await client.send("attach", execution="unwatched", namespace=kubectl.namespace)
        messages = await client.until("process.completed")
    assert sorted(output_of(messages).split()) == [b"err", b"out"]
    assert [m["params"].get("merged") for m in messages if "output" in m.get("method", "")] == [
        True
    ]


async def test_nobody_comes_in_without_a_token_or_with_a_wrong_one(
    gateway_with_sign_in: Gateway,
) -> None:
    for headers in ({}, {"Authorization": "Bearer not.a.token"}):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            async with connected(gateway_with_sign_in.websocket, headers):
                pass
        assert refused.value.status == 401


async def test_a_token_for_another_audience_does_not_count(
    gateway_with_sign_in: Gateway, kubectl: Kubectl
) -> None:
    token = kubectl("create", "token", USER).strip()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with connected(gateway_with_sign_in.websocket, {"Authorization": f"Bearer {token}"}):
            pass
    assert refused.value.status == 401


async def test_who_may_only_read_starts_and_ends_nothing(
    gateway_with_sign_in: Gateway, kubectl: Kubectl
) -> None:
    gateway, namespace = gateway_with_sign_in, kubectl.namespace
    async with (
        connected(gateway.websocket, gateway.headers()) as user,
        connected(gateway.websocket, gateway.headers(READER)) as reader,
    ):
        name = await started(user, kubectl, "sleep 600")
        await asyncio.to_thread(kubectl.wait, name, "Running")
        await reader.send("execute", argv=["true"], namespace=namespace)
        assert (await reader.next_response())["error"]["code"] == -32012
        await reader.send("control", type="CANCEL", execution=name, namespace=namespace)
        assert (await reader.next_response())["error"]["code"] == -32012
        told = await reader.result("status", execution=name, namespace=namespace)
        assert told["phase"] == "Running"
        await user.result("control", type="CANCEL")


async def test_the_execution_tells_who_asked_for_it(
    gateway_with_sign_in: Gateway, kubectl: Kubectl
) -> None:
    gateway = gateway_with_sign_in
    async with connected(gateway.websocket, gateway.headers()) as client:
        name = await started(client, kubectl, "sleep 1")
    found = kubectl.execution(name)["spec"]["requestedBy"]
    assert found == f"system:serviceaccount:{kubectl.namespace}:{USER}"
