"""What a client changes of an execution that is there: hold it, let it go on, its limits."""

from typing import Any

from ccx_dev.stack import Stack
from support.wire_client import connected, methods

CLAIM = {"volumeClaimTemplate": {"storage": "64Mi"}}
TWICE = ["sh", "-c", "test -f mark && { echo again; exit 0; }; touch mark; echo first; sleep 600"]
QUICK: dict[str, Any] = {"terminationGracePeriodSeconds": 1}


async def test_a_running_execution_is_suspended_and_goes_on_in_the_same_stream(
    local_stack: Stack,
) -> None:
    async with connected(local_stack.websocket) as client:
        first = await client.result("execute", argv=TWICE, workspace=CLAIM, **QUICK)
        await client.until("process.output")
        held = await client.result("configure", suspend=True)
        assert (held["execution"], held["phase"]) == (first["execution"], "Queued")
        assert held["reason"] == "Suspended"
        await client.result("configure", suspend=False)
        told = await client.until("process.completed")
    assert methods(told) == ["process.started", "process.output", "process.completed"]
    assert told[0]["params"]["attempt"] == 2
    assert told[1]["params"]["data"] == "again\n"


async def test_what_is_executed_suspended_starts_when_it_is_let_go(local_stack: Stack) -> None:
    async with connected(local_stack.websocket) as client:
        answer = (await client.call("execute", command="echo hello", suspend=True))["result"]
        assert (answer["status"], answer["pid"], answer["pod"]) == ("suspended", None, None)
        status = await client.result("status")
        assert status["phase"] == "Queued"
        await client.send("configure", suspend=False)
        told = await client.until("process.completed")
    names = [name for name in methods(told) if name != "response"]
    assert names == ["process.started", "process.output", "process.completed"]
    started = next(m["params"] for m in told if m.get("method") == "process.started")
    assert isinstance(started["pid"], int)
    assert "attempt" not in started


async def test_what_waits_suspended_is_cancelled(local_stack: Stack) -> None:
    async with connected(local_stack.websocket) as client:
        await client.call("execute", command="echo hello", suspend=True)
        await client.send("control", type="CANCEL")
        told = await client.until("process.completed")
    assert told[-1]["params"]["phase"] == "Cancelled"
    assert "process.started" not in methods(told)


async def test_a_limit_that_is_changed_holds_for_the_process_that_runs(local_stack: Stack) -> None:
    async with connected(local_stack.websocket) as client:
        await client.result("execute", argv=["sleep", "600"], **QUICK)
        await client.send("configure", activeDeadlineSeconds=1)
        told = await client.until("process.completed")
    assert told[-1]["params"]["reason"] == "DeadlineExceeded"


async def test_what_cannot_be_changed_is_named(local_stack: Stack) -> None:
    async with connected(local_stack.websocket) as client:
        name = (await client.result("execute", argv=["sleep", "600"], **QUICK))["execution"]
        assert (await client.result("configure", activeDeadlineSeconds=600))["phase"] == "Running"
        for params, code, said in (
            ({"suspend": True}, -32602, "spec.workspace.volumeClaimTemplate"),
            ({"activeDeadlineSeconds": 0}, -32602, "activeDeadlineSeconds: greater_than_equal"),
            ({"backoffLimit": 1}, -32602, "backoffLimit: is not to be changed"),
        ):
            await client.send("configure", **params)
            error = (await client.next_response())["error"]
            assert (error["code"], said in error["message"]) == (code, True), error
        await client.send("control", type="CANCEL")
        await client.until("process.completed")
        changed = await client.result("configure", execution=name, ttlSecondsAfterFinished=600)
        assert changed["phase"] == "Cancelled"
        await client.send("configure", execution=name, suspend=True)
        assert (await client.next_response())["error"]["code"] == -32011
