"""Output line by line, as clients of the original service read it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from ccx_dev.stack import Stack, start_gateway, websocket_of
from support.wire_client import WAIT_SECONDS, Object, WireClient, connected, output_of

BURST = 1_000
LINES = [f"line {n}\n" for n in range(BURST)]
PRINT_LINES = f"print(''.join(f'line {{n}}\\n' for n in range({BURST})), end='')"


def by_lines(stack: Stack) -> str:
    return f"{stack.websocket}?output=lines"


class OldClient:
    """As a table of lines would be filled: one row for each message, and nothing known of ours."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.rows: list[tuple[str, str]] = []
        self.exit_code: int | None = None

    async def run(self, *argv: str) -> None:
        params = {"argv": argv}
        await self._socket.send_json(
            {"jsonrpc": "2.0", "id": 1, "method": "execute", "params": params}
        )
        while self.exit_code is None:
            message = json.loads(await self._socket.receive_str(timeout=WAIT_SECONDS))
            match message.get("method"):
                case "process.output":
                    self.rows.append((message["params"]["type"], message["params"]["data"]))
                case "process.completed":
                    self.exit_code = message["params"]["exit_code"]


@asynccontextmanager
async def an_old_client(url: str) -> AsyncIterator[OldClient]:
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
        yield OldClient(socket)


def outputs(messages: list[Object]) -> list[Object]:
    return [m["params"] for m in messages if m.get("method") == "process.output"]


async def test_each_line_of_a_burst_is_one_notification(local_stack: Stack) -> None:
    async with an_old_client(by_lines(local_stack)) as client:
        await client.run("python3", "-c", PRINT_LINES)
    assert client.rows == [("stdout", line) for line in LINES]
    assert client.exit_code == 0


async def test_a_gateway_may_be_told_to_serve_lines_to_who_does_not_ask(
    local_stack: Stack,
) -> None:
    gateway = start_gateway(local_stack.directory, local_stack.kubeconfig, "--output", "lines")
    try:
        url = websocket_of(gateway)
        async with an_old_client(url) as client, connected(f"{url}?output=chunks") as other:
            await client.run("python3", "-c", PRINT_LINES)
            chunks = outputs(await other.run(argv=["python3", "-c", PRINT_LINES]))
    finally:
        gateway.end()
    assert client.rows == [("stdout", line) for line in LINES]
    assert len(chunks) < BURST / 10


@pytest.mark.parametrize("query", ["output=line", "output=", "output=lines&output=chunks"])
async def test_another_way_of_output_is_a_bad_request(local_stack: Stack, query: str) -> None:
    url = f"{local_stack.gateway.said}/ws/mcp?{query}"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        assert answer.status == 400
        body = await answer.json()
    assert body["error"] == "invalid"
    assert body["message"].startswith("output: must be chunks or lines")


async def test_viewers_by_lines_and_by_chunks_get_the_same_bytes(local_stack: Stack) -> None:
    program = f"import time; {PRINT_LINES}; time.sleep(1); {PRINT_LINES}; print('x' * 200_000)"
    expected = ("".join(LINES) * 2 + "x" * 200_000 + "\n").encode()
    url = local_stack.websocket
    async with (
        connected(url) as by_chunk,
        connected(by_lines(local_stack)) as by_line,
        connected(by_lines(local_stack)) as beside,
    ):
        told = (await by_chunk.call("execute", argv=["python3", "-u", "-c", program]))["result"]
        for viewer in (by_line, beside):
            await viewer.send("attach", execution=told["execution"])
        clients = (by_chunk, by_line, beside)
        found = await asyncio.gather(*(c.until("process.completed") for c in clients))
    assert [output_of(messages) for messages in found] == [expected] * 3
    assert outputs(found[1]) == outputs(found[2])
    lines = outputs(found[1])
    for params in lines:
        assert params["truncated"] is not params["data"].endswith("\n")
        assert params["data"].count("\n") == (not params["truncated"])
    assert len(outputs(found[0])) < len(lines) / 10


async def test_credit_counts_bytes_whatever_the_lines(local_stack: Stack) -> None:
    async with connected(by_lines(local_stack)) as client:
        await client.send("execute", argv=["python3", "-c", PRINT_LINES], credit=20)
        found = await read_up_to(client, 14)
        assert [p["data"] for p in outputs(found)] == ["line 0\n", "line 1\n"]
        name = found[0]["result"]["execution"]
        await client.send("credit", execution=name, bytes=1 << 20)
        found += await client.until("process.completed")
    assert output_of(found) == "".join(LINES).encode()


async def read_up_to(client: WireClient, offset: int) -> list[Object]:
    found = await client.until("process.output")
    while found[-1]["params"]["end"] < offset:
        found += await client.until("process.output")
    return found
