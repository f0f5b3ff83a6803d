"""Clients that do not or hardly read, or are not there any more: cut off in time, and no other."""

import asyncio
import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import aiohttp
import pytest

from ccx_dev.stack import Stack, start_gateway
from support.raw_socket import CLOSE, WAIT_SECONDS, RawSocket, a_raw_socket, call
from support.wire_client import connected, output_of

SECONDS = 5  # of a client that reads, a busy machine takes less
LINES = 120_000
PROGRAM = f"""
import time
print("\\n".join(["x" * 99] * {LINES}), flush=True)
time.sleep(600)
"""
LINE = b"x" * 99 + b"\n"
PRINTED = hashlib.sha256(LINE * LINES).hexdigest()
"""12 MB: more than the buffers of two systems between a gateway and a client."""


@contextmanager
def a_strict_gateway(stack: Stack) -> Iterator[str]:
    """Its URL, for HTTP."""
    words = ("--client-timeout-seconds", str(SECONDS))
    gateway = start_gateway(stack.directory, stack.kubeconfig, *words)
    try:
        yield gateway.said
    finally:
        gateway.end()


async def metric(url: str, name: str) -> float:
    async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as answer:
        page = await answer.text()
    return float(page.partition(f"\n{name} ")[2].partition("\n")[0])


async def until(
    url: str, name: str, wanted: Callable[[float], bool], *, reader: RawSocket | None = None
) -> None:
    """A reader takes one byte whenever we look."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not wanted(await metric(url, name)):
            if reader is not None:
                await reader.read(1)


@pytest.mark.parametrize("reads", [False, True])
async def test_who_does_not_read_is_cut_off_slows_nobody_and_comes_back_at_its_offset(
    local_stack: Stack, reads: bool
) -> None:
    with a_strict_gateway(local_stack) as url:
        socket = url.replace("http", "ws", 1) + "/ws/mcp"
        async with connected(local_stack.websocket) as owner:
            told = await owner.result("execute", argv=["python3", "-c", PROGRAM], credit=0)
            name = told["execution"]
            assert await read_all(socket, name, 0) == PRINTED  # from now on it is all there
            async with a_raw_socket(socket, receive_buffer=4096) as raw:
                await raw.send(call("attach", execution=name))
                assert await read_all(socket, name, 0) == PRINTED

                slow, reader = 'ccx_gateway_clients_cut_total{why="slow"}', raw if reads else None
                await until(url, slow, lambda n: n == 1, reader=reader)
                await until(url, "ccx_gateway_sessions", lambda n: n == 0)
                await until(url, "ccx_gateway_queued_messages", lambda n: n == 0)
                raw.writer.transport.abort()

            assert await read_all(socket, name, len(LINE)) == PRINTED
            assert await metric(url, 'ccx_gateway_resumes_total{what="client"}') == 1
            assert "status" in await owner.result("control", type="CANCEL")


async def read_all(socket: str, name: str, start: int) -> str:
    """The hash of what is printed, the rest of it from `start` on by a client of its own."""
    async with connected(socket) as client:
        await client.call("attach", execution=name, **{"from": start})
        found = await client.until("process.output")
        while found[-1]["params"]["end"] < len(LINE) * LINES:
            found += await client.until("process.output")
    return hashlib.sha256((LINE * LINES)[:start] + output_of(found)).hexdigest()


async def test_who_is_silent_is_told_why_and_who_answers_pings_stays(local_stack: Stack) -> None:
    with a_strict_gateway(local_stack) as url:
        socket = url.replace("http", "ws", 1) + "/ws/mcp"
        async with connected(socket) as idle, a_raw_socket(socket) as half_open:
            waiting = asyncio.create_task(idle.next())  # its library answers pings meanwhile
            *_, (kind, payload) = await half_open.until(CLOSE)
            assert (kind, int.from_bytes(payload[:2])) == (CLOSE, 1013)
            assert payload[2:] == b"no sign of life for %d s: come back at your offset" % SECONDS
            await until(url, "ccx_gateway_sessions", lambda n: n == 1)
            assert await metric(url, 'ccx_gateway_clients_cut_total{why="silent"}') == 1
            await idle.socket.send_str(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "list"}))
            async with asyncio.timeout(WAIT_SECONDS):
                assert "result" in await waiting
