"""pods/exec and pods/log of devcluster over the wire, with real processes behind them."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from devcluster.server import running_devcluster
from support.devcluster_client import Client
from support.devcluster_objects import a_pod

PODS = "/api/v1/namespaces/default/pods"
V4, V5 = "v4.channel.k8s.io", "v5.channel.k8s.io"
STDIN, STDOUT, STDERR, STATUS = b"\x00", b"\x01", b"\x02", 3
END_OF_STDIN = b"\xff\x00"

Socket = aiohttp.ClientWebSocketResponse[bool]


def is_ready(pod: Any) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


@pytest.fixture
async def api() -> AsyncIterator[Client]:
    async with running_devcluster() as cluster, Client(cluster.url) as client:
        script = "echo first; echo second; exec sleep 600"
        container = {"name": "main", "image": "local/image:1", "command": ["sh", "-c", script]}
        await client.create(PODS, a_pod(containers=[container], terminationGracePeriodSeconds=1))
        await client.until(f"{PODS}/pod", is_ready)
        yield client


@asynccontextmanager
async def an_exec(api: Client, *command: str, protocol: str = V5) -> AsyncIterator[Socket]:
    query = [("command", word) for word in command]
    query += [(name, "true") for name in ("stdin", "stdout", "stderr")]
    async with (
        asyncio.timeout(60),
        api.session.ws_connect(
            f"{api.url}{PODS}/pod/exec", params=query, protocols=(protocol,), max_msg_size=0
        ) as socket,
    ):
        assert socket.protocol == protocol
        yield socket


async def read_to_the_end(socket: Socket) -> tuple[dict[int, bytes], Any]:
    """Everything on each channel, and the Status."""
    got: dict[int, bytes] = {1: b"", 2: b""}
    async for message in socket:
        channel, data = message.data[0], message.data[1:]
        if channel == STATUS:
            return got, json.loads(data)
        got[channel] += data
    raise AssertionError("the exec ended without a Status")


async def test_both_streams_and_a_good_end_arrive(api: Client) -> None:
    async with an_exec(api, "sh", "-c", "echo out; echo err >&2") as socket:
        got, status = await read_to_the_end(socket)
    assert got == {1: b"out\n", 2: b"err\n"}
    assert status["status"] == "Success"


async def test_an_exit_code_is_a_cause(api: Client) -> None:
    async with an_exec(api, "sh", "-c", "exit 7") as socket:
        _, status = await read_to_the_end(socket)
    assert status["reason"] == "NonZeroExitCode"
    assert {"reason": "ExitCode", "message": "7"} in status["details"]["causes"]


async def test_a_program_that_is_not_there_is_told_on_the_status_channel(api: Client) -> None:
    async with an_exec(api, "no-such-program") as socket:
        _, status = await read_to_the_end(socket)
    assert status["code"] == 500
    assert "no-such-program" in status["message"]


async def test_v5_ends_stdin_and_the_output_still_comes(api: Client) -> None:
    async with an_exec(api, "cat") as socket:
        await socket.send_bytes(STDIN + b"some \x00\xff bytes")
        await socket.send_bytes(END_OF_STDIN)
        got, status = await read_to_the_end(socket)
    assert got[1] == b"some \x00\xff bytes"
    assert status["status"] == "Success"


async def test_v4_cannot_end_stdin(api: Client) -> None:
    async with an_exec(api, "cat", protocol=V4) as socket:
        await socket.send_bytes(END_OF_STDIN)
        await socket.send_bytes(STDIN + b"more")
        messages = [(await socket.receive()).data for _ in range(2)]
    assert messages == [STDOUT, STDOUT + b"more"]


async def test_a_command_ends_when_its_client_has_gone(api: Client) -> None:
    async with an_exec(api, "sh", "-c", "echo $$; cat") as socket:
        assert (await socket.receive()).data == STDOUT
        pid = (await socket.receive()).data[1:].decode().strip()
    async with asyncio.timeout(60):
        while await exec_output(api, f"ls -d /proc/{pid} 2>/dev/null"):
            pass


async def exec_output(api: Client, script: str) -> str:
    async with an_exec(api, "sh", "-c", script) as socket:
        got, _ = await read_to_the_end(socket)
    return got[1].decode()


async def test_a_slow_reader_gets_every_byte_in_order(api: Client) -> None:
    script = "i=0; while [ $i -lt 200000 ]; do echo line $i; i=$((i+1)); done"
    expected = hashlib.sha256(b"".join(b"line %d\n" % n for n in range(200_000))).hexdigest()
    async with an_exec(api, "sh", "-c", script) as socket:
        digest = hashlib.sha256()
        async for message in socket:
            if message.data[0] == STATUS:
                break
            digest.update(message.data[1:])
            await asyncio.sleep(0)
    assert digest.hexdigest() == expected


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        ({"command": "ls", "container": "other"}, 400, "container other is not valid for pod pod"),
        ({"command": "ls"}, 400, "Upgrade request required"),
    ],
)
async def test_an_exec_that_cannot_begin_is_an_http_error(
    api: Client, query: dict[str, str], code: int, words: str
) -> None:
    found, status = await api.ask("GET", f"{PODS}/pod/exec", **query)
    assert found == code
    assert words in status["message"]


async def test_a_log_is_read_in_part_and_followed_to_the_end(api: Client) -> None:
    async def log(**query: str) -> bytes:
        async with api.session.get(f"{api.url}{PODS}/pod/log", params=query) as response:
            assert response.status == 200
            return await response.read()

    async with asyncio.timeout(60):
        while await log() != b"first\nsecond\n":
            pass
    assert await log(tailLines="1") == b"second\n"
    assert await log(limitBytes="3") == b"fir"
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        following = tasks.create_task(log(follow="true"))
        await api.ask("DELETE", f"{PODS}/pod", gracePeriodSeconds="1")
    assert following.result() == b"first\nsecond\n"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"container": "other"}, "container other is not valid for pod pod"),
        ({"tailLines": "many"}, 'strconv.ParseInt: parsing "many": invalid syntax'),
        ({"sinceTime": "noon"}, 'parsing time "noon" as'),
    ],
)
async def test_a_log_that_cannot_be_read_is_an_error(
    api: Client, query: dict[str, str], words: str
) -> None:
    code, status = await api.ask("GET", f"{PODS}/pod/log", **query)
    assert code == 400
    assert words in status["message"]
