"""Several clients of a gateway, and several gateways: nobody disturbs another."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import aiohttp
import pytest

from ccx_dev.child import Child
from ccx_dev.stack import Stack, start_gateway, websocket_of
from support.outside import is_alive
from support.wire_client import WAIT_SECONDS, Object, WireClient, connected, output_of

COUNT = "sh -c 'i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i+1)); sleep 0.05; done'"
LOOP = "sh -c 'i=0; while :; do echo line $i; i=$((i+1)); sleep 0.05; done'"
COUNTED = b"".join(b"line %d\n" % i for i in range(60))
MAX_FRAME = 10 * 1024 * 1024


@contextmanager
def a_gateway(stack: Stack, *words: str, env: dict[str, str] | None = None) -> Iterator[Child]:
    """One more replica."""
    gateway = start_gateway(stack.directory, stack.kubeconfig, *words, env=env)
    try:
        yield gateway
    finally:
        gateway.end()


async def end_by(client: WireClient, bad: str) -> None:
    """The client's own socket ends; what it still sends may cross the goodbye."""
    with suppress(ConnectionError):
        match bad:
            case "oversized":
                await client.socket.send_str("x" * (MAX_FRAME + 1))
            case "not UTF-8":
                await client.socket.send_frame(b'{"a":"\xff"}', aiohttp.WSMsgType.TEXT)
            case "binary":
                await client.socket.send_bytes(b"{}")
    async with asyncio.timeout(WAIT_SECONDS):
        message = await client.socket.receive()
    assert message.type is not aiohttp.WSMsgType.TEXT


async def test_bad_frames_disturb_no_other_client(local_stack: Stack) -> None:
    url = local_stack.websocket
    async with connected(url) as streaming, connected(url) as bad_json:
        await streaming.call("execute", command=COUNT)
        found = await streaming.until("process.output")
        for frame in ("{", "[1", '{"jsonrpc":"2.0"}', "null"):
            await bad_json.socket.send_str(frame)
            assert (await bad_json.next())["error"]["code"] in (-32700, -32600)
        for bad in ("oversized", "not UTF-8", "binary"):
            async with connected(url) as client:
                await end_by(client, bad)
        found += await streaming.until("process.completed")
        assert output_of(found) == COUNTED
        assert "result" in await bad_json.call("list")


async def test_another_client_attaches_by_offset_and_detaches(local_stack: Stack) -> None:
    url = local_stack.websocket
    async with connected(url) as owner, connected(url) as viewer:
        name = (await owner.call("execute", command=LOOP))["result"]["execution"]
        await owner.until("process.output")
        result = (await viewer.call("attach", execution=name, offset=5))["result"]
        assert (result["execution"], result["offset"]) == (name, 5)
        found = await viewer.until("process.output")
        assert found[-1]["params"]["offset"] == 5
        assert found[-1]["params"]["data"].startswith("0\n")
        await viewer.send("detach", execution=name)
        assert (await viewer.next_response())["result"]["status"] == "detached"
        error = (await viewer.call("control", type="PAUSE"))["error"]
        assert error["code"] == -32003
        await viewer.call("control", type="CANCEL", execution=name)
        assert (await viewer.next())["method"] == "process.canceled"
        assert (await owner.until("process.completed"))[-1]["params"]["exit_code"] == -15


async def test_no_more_is_sent_than_there_is_credit_for(local_stack: Stack) -> None:
    command = "sh -c 'printf 0123456789; sleep 1'"
    async with connected(local_stack.websocket) as client:
        await client.call("execute", command=command, credit=6)
        found = await client.until("process.output")
        assert found[-1]["params"]["end"] == 6
        assert (await client.call("credit", bytes=100))["result"]["status"] == "granted"
        found += await client.until("process.completed")
    assert output_of(found) == b"0123456789"


async def test_an_ended_execution_can_be_attached_to_for_its_output(local_stack: Stack) -> None:
    async with connected(local_stack.websocket) as client:
        done = await client.run(command="sh -c 'echo late; exit 4'")
        name = done[0]["result"]["execution"]
        await client.send("attach", execution=name)
        found = await client.until("process.completed")
    assert output_of(found) == b"late\n"
    assert found[-1]["params"]["exit_code"] == 4


async def test_the_same_key_is_the_same_execution(local_stack: Stack) -> None:
    keyed = {"command": "sh -c 'echo once; sleep 1'", "idempotencyKey": "k1"}
    async with connected(local_stack.websocket) as client:
        first = await client.run(**keyed)
        again = await client.run(**keyed)
        other = await client.call("execute", command="echo other", idempotencyKey="k1")
    assert first[0]["result"]["execution"] == again[0]["result"]["execution"]
    assert output_of(first) == output_of(again) == b"once\n"
    assert other["error"]["message"].startswith("idempotencyKey: ")


async def test_status_and_list_tell_of_executions(local_stack: Stack) -> None:
    async with connected(local_stack.websocket) as client:
        name = (await client.run(command="sh -c 'exit 5'"))[0]["result"]["execution"]
        told = (await client.call("status", execution=name))["result"]
        assert (told["phase"], told["reason"], told["exit_code"]) == ("Failed", "ExitCode", 5)
        assert told["session_id"] == client.session_id
        mine = (await client.call("list", scope="session"))["result"]["executions"]
        assert [item["execution"] for item in mine] == [name]


async def test_the_session_after_the_last_is_refused(local_stack: Stack) -> None:
    with a_gateway(local_stack, "--max-sessions", "1") as gateway:
        url = websocket_of(gateway)
        async with connected(url), aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
            refused = WireClient(socket)
            error = (await refused.next())["error"]
            assert (error["code"], error["message"]) == (-32001, "Session limit exceeded")
            assert await refused.closed() == 1008


async def test_a_program_that_is_not_listed_is_denied_and_audited(local_stack: Stack) -> None:
    with a_gateway(local_stack, env={"ALLOWED_COMMANDS": "echo,true"}) as gateway:
        async with connected(websocket_of(gateway)) as client:
            error = (await client.call("execute", command="rm s3cr3t"))["error"]
            assert (error["code"], error["message"]) == (-32002, "Command 'rm' is not allowed")
            error = (await client.call("execute", prompt="s3cr3t"))["error"]
            assert error["code"] == -32002
            assert (await client.run(command="true"))[-1]["params"]["exit_code"] == 0
            session = client.session_id
    lines = [json.loads(line) for line in gateway.log.read_text(encoding="utf-8").splitlines()]
    audit = [line for line in lines if line.get("session") == session]
    assert [(a["action"], a["outcome"], a["program"]) for a in audit] == [
        ("execute", "denied", "rm"),
        ("execute", "denied", "claude"),
        ("execute", "allowed", "true"),
    ]
    assert "s3cr3t" not in str(audit)


async def test_another_gateway_takes_over_with_every_byte_once(local_stack: Stack) -> None:
    found: list[Object] = []
    with a_gateway(local_stack) as first:
        async with connected(websocket_of(first)) as client:
            name = (await client.call("execute", command=LOOP))["result"]["execution"]
            found += await client.until("process.output")
            session = client.session_id
            first.kill()
    offset = found[-1]["params"]["end"]
    async with connected(local_stack.websocket) as client:
        result = await client.call("attach", execution=name, offset=offset, sessionId=session)
        assert result["result"]["session_id"] == session
        await client.send("execute", command="true")
        found += await client.until_response()
        assert found[-1]["error"]["message"] == "A process is already running"
        await client.send("control", type="CANCEL")
        found += await client.until("process.completed")
    lines = output_of(found).splitlines()
    assert lines == [b"line %d" % n for n in range(len(lines))]


@pytest.mark.parametrize("path", ["/health", "/healthz", "/livez", "/readyz"])
async def test_probes_are_answered(local_stack: Stack, path: str) -> None:
    async with (
        aiohttp.ClientSession() as http,
        http.get(local_stack.gateway.said + path) as answer,
    ):
        assert answer.status == 200
        body = await answer.json()
    if path == "/health":
        assert body["status"] == "healthy"
        assert body.keys() == {
            *("status", "service", "version"),
            *("active_sessions", "max_sessions", "uptime_seconds"),
        }


async def test_metrics_count_calls_and_output_and_name_nobody(local_stack: Stack) -> None:
    async with connected(local_stack.websocket) as client:
        name = (await client.run(command="echo counted"))[0]["result"]["execution"]
        async with (
            aiohttp.ClientSession() as http,
            http.get(local_stack.gateway.said + "/metrics") as answer,
        ):
            page = await answer.text()
    assert 'ccx_gateway_calls_total{code="0",method="execute"}' in page
    assert "ccx_gateway_output_bytes_total" in page
    assert name not in page


async def test_a_page_of_another_origin_may_not_connect(local_stack: Stack) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await http.ws_connect(local_stack.websocket, origin="https://example.org")
        assert refused.value.status == 403
        own = await http.ws_connect(local_stack.websocket, origin=local_stack.gateway.said)
        await own.close()


async def test_the_end_of_a_gateway_closes_its_sockets_and_ends_no_process(
    local_stack: Stack,
) -> None:
    with a_gateway(local_stack) as gateway:
        async with connected(websocket_of(gateway)) as client:
            result = (await client.call("execute", command="sleep 300"))["result"]
            await client.until("process.started")
            assert await asyncio.to_thread(gateway.end) == 0
            assert await client.closed() == 1001
    assert is_alive(result["pid"])
    async with connected(local_stack.websocket) as client:
        answer = await client.call("control", type="CANCEL", execution=result["execution"])
        assert answer["result"]["status"] == "canceled"
        assert (await client.next())["method"] == "process.canceled"


async def test_what_a_client_leaves_behind_is_cancelled_unless_it_is_to_go_on(
    local_stack: Stack,
) -> None:
    names = []
    for on_disconnect in ("Cancel", "Detach"):
        async with connected(local_stack.websocket) as client:
            answer = await client.call("execute", command="sleep 300", onDisconnect=on_disconnect)
            names.append(answer["result"]["execution"])
    async with connected(local_stack.websocket) as client:
        await client.send("attach", execution=names[0])
        left = (await client.until("process.completed"))[-1]["params"]
        assert (left["phase"], left["reason"]) == ("Cancelled", "SessionClosed")
        assert (await client.call("status", execution=names[1]))["result"]["phase"] == "Running"
        await client.call("control", type="CANCEL", execution=names[1])
