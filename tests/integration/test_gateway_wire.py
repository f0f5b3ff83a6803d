"""The wire of the original service: what is sent, and what must come back, in order."""

import json
from typing import Any

import aiohttp
import pytest

from ccx_dev.stack import Stack
from support.outside import below, living, running
from support.wire_client import WAIT_SECONDS, Object, WireClient, connected, methods, output_of

ANY = object()
STARTED = {"status": "started", "pid": ANY, "pgid": ANY}
NULLS = {"exit_code": None, "error": None}


def out(data: str, kind: str = "stdout") -> tuple[str, Object]:
    return "process.output", {"type": kind, "data": data, "truncated": False}


def ended(exit_code: int) -> tuple[str, Object]:
    status = "failed" if exit_code else "completed"
    told = {"status": status, "pid": ANY, "pgid": ANY, "exit_code": exit_code, "error": None}
    return "process.completed", told


TWO_STREAMS = "sh -c 'echo a; sleep 1; echo b >&2; sleep 1; echo c; sleep 1'"

RUNS = [
    ("echo hello", [out("hello\n"), ended(0)]),
    ("sh -c 'exit 3'", [ended(3)]),
    ("sh -c 'kill -9 $$'", [ended(-9)]),
    (
        TWO_STREAMS,
        [out("a\n"), out("b\n", "stderr"), out("c\n"), ended(0)],
    ),
    ("echo a; echo b && id", [out("a; echo b && id\n"), ended(0)]),
    ("echo 'wait...'", [out("wait...\n"), ended(0)]),
    ("printf 'no newline'", [out("no newline"), ended(0)]),
    ("cat", [ended(0)]),
    ("python3 -c 'print(\"x\" * 10000)'", [out("x" * 10000 + "\n"), ended(0)]),
    ("printf '\\303\\251 \\377\\n'", [out("é \ufffd\n"), ended(0)]),
]


def a_call(method: str, **params: Any) -> str:
    return json.dumps({"jsonrpc": "2.0", "method": method, "params": params, "id": 1})


ERRORS = [
    ("{bad", -32700, "not JSON"),
    ("[]", -32600, "an empty batch"),
    ('{"jsonrpc":"1.0","method":"list","id":1}', -32600, "jsonrpc"),
    (a_call("get_status"), -32601, "Unknown method: get_status"),
    (a_call("ping"), -32601, "Unknown method: ping"),
    (a_call("execute"), -32602, "name exactly one"),
    (a_call("execute", command=7), -32602, "command: string_type"),
    (a_call("execute", command="true", timeout="soon"), -32602, "timeout: int_parsing"),
    (a_call("execute", command=""), -32002, "Command cannot be empty"),
    (a_call("execute", command="  "), -32002, "Command cannot be empty"),
    (a_call("execute", command="echo 'open"), -32602, "command: "),
    (a_call("control"), -32602, "type: missing"),
    (a_call("control", type="STOP"), -32602, "type: enum"),
    (a_call("execute", command="ls", name="No_Name"), -32602, ""),
    (a_call("control", type="pause"), -32602, "type: enum"),
    (a_call("control", type="PAUSE"), -32003, "No process is running"),
    (a_call("attach", execution="nowhere"), -32010, "no such"),
    (a_call("detach", execution="nowhere"), -32602, "execution: is not followed here"),
]

TICKS = "sh -c 'setsid sh -c \"while :; do echo tick; sleep 0.05; done\" & wait'"
"""A loop in a session of its own, as Claude's Bash tool starts them."""


def same(found: Any, expected: Any) -> bool:
    """As much as is expected: our own additions stand beside it."""
    if isinstance(expected, dict):
        return all(key in found and same(found[key], expected[key]) for key in expected)
    return isinstance(found, int) if expected is ANY else bool(found == expected)


async def test_a_client_is_greeted_first(local_stack: Stack) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(local_stack.websocket) as socket:
        greeting = await WireClient(socket).next()
    assert greeting["method"] == "connected"
    params = greeting["params"]
    assert params["version"] == "1.0.0"
    assert params["capabilities"] == ["execute", "control", "stream"]
    assert len(params["session_id"]) == 36
    assert greeting.keys() == {"jsonrpc", "method", "params"}


@pytest.mark.parametrize(("command", "follows"), RUNS)
async def test_a_run_is_told_as_by_the_original(
    local_stack: Stack, command: str, follows: list[tuple[str, Object]]
) -> None:
    async with connected(local_stack.websocket) as client:
        response, started, *rest = await client.run(command=command, timeout=60, id="theirs")
    assert same(response["result"], STARTED), response
    assert started["method"] == "process.started"
    assert same(started["params"], STARTED | NULLS), started
    assert response["result"]["pid"] == started["params"]["pid"]
    assert [m["method"] for m in rest] == [method for method, _ in follows], rest
    for message, (_, expected) in zip(rest, follows, strict=True):
        assert same(message["params"], expected), message


async def test_every_error_has_its_code_and_ends_nothing(local_stack: Stack) -> None:
    async with connected(local_stack.websocket) as client:
        for frame, code, said in ERRORS:
            await client.socket.send_str(frame)
            error = (await client.next())["error"]
            assert (error["code"], error["message"][: len(said)]) == (code, said), frame
            assert error.keys() == {"code", "message", "data"}
        assert methods(await client.run(command="true"))[-1] == "process.completed"


async def test_what_wants_no_answer_gets_none(local_stack: Stack) -> None:
    async with connected(local_stack.websocket) as client:
        for method in ("pong", "control", "get_status"):
            await client.socket.send_str(json.dumps({"jsonrpc": "2.0", "method": method}))
        assert "executions" in (await client.call("list"))["result"]


async def test_a_line_of_more_than_8_mib_comes_whole_in_marked_pieces(local_stack: Stack) -> None:
    program = "print('x' * 9_000_000); print('next')"
    async with connected(local_stack.websocket) as client:
        found = await client.run(argv=["python3", "-c", program])
    assert output_of(found) == b"x" * 9_000_000 + b"\nnext\n"
    pieces = [m["params"] for m in found if m.get("method") == "process.output"]
    for piece in pieces:
        assert piece["truncated"] is not piece["data"].endswith("\n")


async def test_a_batch_is_answered_in_one(local_stack: Stack) -> None:
    calls = [{"jsonrpc": "2.0", "method": "list", "id": "a"}, {"jsonrpc": "2.0", "method": "x"}, 1]
    async with connected(local_stack.websocket) as client:
        await client.socket.send_str(json.dumps(calls))
        answered = json.loads(await client.socket.receive_str(timeout=WAIT_SECONDS))
    assert [a["id"] for a in answered] == ["a", None]
    assert answered[1]["error"]["code"] == -32600


async def test_one_process_runs_in_a_session_at_a_time(local_stack: Stack) -> None:
    async with connected(local_stack.websocket) as client:
        await client.call("execute", command="sleep 60")
        await client.until("process.started")
        error = (await client.call("execute", command="true"))["error"]
        assert (error["code"], error["message"]) == (-32602, "A process is already running")
        await client.call("control", type="CANCEL")
        assert methods(await client.until("process.completed"))[-1] == "process.completed"
        assert (await client.run(command="true"))[-1]["params"]["exit_code"] == 0
        error = (await client.call("control", type="CANCEL"))["error"]
        assert (error["code"], error["message"]) == (-32003, "No process is running")


async def test_a_control_that_follows_at_once_finds_the_execute_before_it(
    local_stack: Stack,
) -> None:
    async with connected(local_stack.websocket) as client:
        await client.send("execute", command="sleep 60")
        await client.send("control", type="CANCEL")
        answers = {m["id"]: m for m in [await client.next_response() for _ in range(2)]}
        assert answers[2]["result"]["status"] == "canceled"
        if "result" in answers[1]:  # its process had begun before
            await client.until("process.completed")
        assert (await client.run(command="true"))[-1]["params"]["exit_code"] == 0


async def test_a_command_that_is_over_at_once_is_told_whole_and_stream_by_stream(
    local_stack: Stack,
) -> None:
    async with connected(local_stack.websocket) as client:
        for _ in range(3):
            await client.call("execute", argv=["sh", "-c", "echo a; echo b >&2; echo c"])
            told = await client.until("process.completed")
            outputs = [m["params"] for m in told if m.get("method") == "process.output"]
            data = {
                stream: "".join(o["data"] for o in outputs if o["type"] == stream)
                for stream in ("stdout", "stderr")
            }
            assert data == {"stdout": "a\nc\n", "stderr": "b\n"}
            assert told[-1]["params"]["exit_code"] == 0


async def test_pause_freezes_every_process_and_resume_continues(local_stack: Stack) -> None:
    async with connected(local_stack.websocket) as client:
        pid = (await client.call("execute", command=TICKS))["result"]["pid"]
        await client.until("process.output")
        await client.send("control", type="PAUSE")
        *_, response, paused = await client.until("process.paused")
        frozen = below(pid)
        assert running(frozen) == []
        assert response["result"]["status"] == "paused"
        assert response["result"]["processesStopped"] == len(living(frozen)) + 1
        assert response["result"]["latencyMillis"] >= 0
        assert same(paused["params"], {"status": "paused", "pid": pid, "pgid": ANY} | NULLS)

        await client.send("control", type="PAUSE")
        *_, response, _ = await client.until("process.paused")
        assert response["result"]["status"] == "paused"

        await client.send("control", type="RESUME")
        *_, response, resumed = await client.until("process.resumed")
        assert response["result"]["status"] == "resumed"
        assert same(resumed["params"], {"status": "resumed", "pid": pid} | NULLS)
        await client.until("process.output")
        await client.send("control", type="CANCEL")
        await client.until("process.completed")


@pytest.mark.parametrize("paused", [False, True])
async def test_cancel_is_followed_by_completed_also_of_a_paused_process(
    local_stack: Stack, paused: bool
) -> None:
    async with connected(local_stack.websocket) as client:
        found = [await client.call("execute", command=TICKS)]
        found += await client.until("process.output")
        if paused:
            await client.send("control", type="PAUSE")
            found += await client.until("process.paused")
        await client.send("control", type="CANCEL")
        found += await client.until("process.completed")
    names = [name for name in methods(found) if name != "process.output"]
    assert names[-3:] == ["response", "process.canceled", "process.completed"]
    result = next(m["result"] for m in found if m.get("result", {}).get("status") == "canceled")
    assert result["status"] == "canceled"
    (told,) = (m["params"] for m in found if m.get("method") == "process.canceled")
    assert same(told, {"status": "canceled", "pid": ANY, "pgid": ANY} | NULLS)
    assert same(found[-1]["params"], {"status": "failed", "exit_code": -15, "error": None})
    assert set(output_of(found).splitlines()) == {b"tick"}


async def test_a_process_that_ignores_term_is_killed(local_stack: Stack) -> None:
    stubborn = "sh -c 'trap \"\" TERM; echo up; while :; do sleep 0.1; done'"
    async with connected(local_stack.websocket) as client:
        await client.call("execute", command=stubborn, terminationGracePeriodSeconds=1)
        await client.until("process.output")
        await client.send("control", type="CANCEL")
        found = await client.until("process.completed")
    assert found[-1]["params"]["exit_code"] == -9


async def test_what_cannot_start_is_an_error_with_its_reason(local_stack: Stack) -> None:
    async with connected(local_stack.websocket) as client:
        error = (await client.call("execute", command="no-such-program"))["error"]
        assert error["code"] == -32011
        assert error["message"].startswith("ExitCode: ")
        assert "no-such-program" in error["message"]
        assert (await client.run(command="true"))[-1]["params"]["exit_code"] == 0


async def test_the_deadline_is_an_error_that_no_exit_code_tells(local_stack: Stack) -> None:
    async with connected(local_stack.websocket) as client:
        found = await client.run(command="sleep 60", timeout=1)
    assert found[-1]["params"]["error"].startswith("DeadlineExceeded: ")
