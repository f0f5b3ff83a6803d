"""From where and in what form a client wants its output: the parameters of attach and execute."""

import asyncio
import os
import signal
from base64 import b64decode
from typing import Any

import pytest

from ccx_dev.stack import Stack
from support.wire_client import Object, WireClient, connected, output_of

EVERY_BYTE = bytes(range(256)) * 2
PROMPT = "sys.stdout.write('name: '); sys.stdout.flush()"
WAITS = "import signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])\n"
WAIT = "\nsignal.sigwait([signal.SIGUSR1])\n"

REFUSED: list[tuple[Object, str]] = [
    ({"from": -1}, 'from: must be an offset of 0 or more, "start" or "now"'),
    ({"from": "end"}, 'from: must be an offset of 0 or more, "start" or "now"'),
    ({"from": 0, "offset": 0}, "offset: from says the same, name one"),
    ({"mode": "lines"}, "mode: literal_error: Input should be 'chunk' or 'line'"),
    ({"encoding": "hex"}, "encoding: literal_error: Input should be 'utf-8' or 'base64'"),
    ({"encoding": "base64", "mode": "line"}, "encoding: base64 has no lines"),
    ({"maxLineBytes": 1}, "maxLineBytes: greater_than_equal: Input should be greater"),
    ({"credit": -1}, "credit: greater_than_equal: Input should be greater than or equal to 0"),
    ({"form": 1}, "form: extra_forbidden: no such parameter, known: "),
]


def outputs(messages: list[Object]) -> list[Object]:
    return [m["params"] for m in messages if m.get("method") == "process.output"]


async def runs(client: WireClient, program: str, **params: Any) -> tuple[str, int]:
    """Name and pid of an execution of a Python program."""
    argv = ["python3", "-u", "-c", WAITS + program]
    told = await client.result("execute", argv=argv, **params)
    return told["execution"], told["pid"]


def go_on(pid: int) -> None:
    os.kill(pid, signal.SIGUSR1)


async def test_what_cannot_be_wanted_is_told_by_name_and_by_what_would_be_right(
    local_stack: Stack,
) -> None:
    async with connected(local_stack.websocket) as client:
        for params, said in REFUSED:
            error = (await client.call("attach", execution="any", **params))["error"]
            assert error["code"] == -32602
            assert error["message"].startswith(said), error


async def test_from_now_on_is_what_is_printed_from_now_on(
    local_stack: Stack,
) -> None:
    program = f"print('before'){WAIT}print('after')"
    async with connected(local_stack.websocket) as owner, connected(local_stack.websocket) as late:
        name, pid = await runs(owner, program)
        found = await owner.until("process.output")
        told = await late.call("attach", execution=name, **{"from": "now"})
        assert told["result"]["offset"] is None
        # One that begins at the end is behind it in the gateway once this one is served, too.
        await late.call("status", execution=name)
        async with connected(local_stack.websocket) as beside:
            await beside.call("attach", execution=name, **{"from": "start"})
            await beside.until("process.output")
        go_on(pid)
        (only,) = outputs(await late.until("process.completed"))
        found += await owner.until("process.completed")
    assert (only["data"], only["offset"]) == ("after\n", len("before\n"))
    assert output_of(found) == b"before\nafter\n"


async def test_now_of_what_has_ended_is_its_end(local_stack: Stack) -> None:
    async with connected(local_stack.websocket) as client:
        name = (await client.run(command="echo over"))[0]["result"]["execution"]
        await client.send("attach", execution=name, **{"from": "now"})
        messages = await client.until("process.completed")
    assert [m.get("method") for m in messages] == [None, "process.completed"]


@pytest.mark.parametrize("query", ["", "?output=lines"])
async def test_one_socket_may_be_told_one_execution_by_lines_and_another_in_chunks(
    local_stack: Stack, query: str
) -> None:
    program = "print('a\\nb\\nc')"
    found = {}
    async with connected(local_stack.websocket + query) as client:
        for mode in ("line", "chunk"):
            name, _ = await runs(client, program, mode=mode)
            await client.until("process.completed")
            await client.send("attach", execution=name, mode=mode)
            found[mode] = outputs(await client.until("process.completed"))
    assert [o["data"] for o in found["line"]] == ["a\n", "b\n", "c\n"]
    assert [o["data"] for o in found["chunk"]] == ["a\nb\nc\n"]


async def test_base64_is_every_byte_as_it_was(local_stack: Stack) -> None:
    write = "out = sys.stdout.buffer; out.write(bytes(range(256))); out.flush()"
    async with connected(local_stack.websocket) as client, connected(local_stack.websocket) as text:
        name, pid = await runs(client, f"{write}{WAIT}{write}", encoding="base64")
        found = outputs(await client.until("process.output"))
        await text.call("attach", execution=name)
        go_on(pid)
        found += outputs(await client.until("process.completed"))
        beside = outputs(await text.until("process.completed"))
    assert b"".join(b64decode(o["data"], validate=True) for o in found) == EVERY_BYTE
    assert {o["encoding"] for o in found} == {"base64"}
    assert all(o["end"] - o["offset"] == len(b64decode(o["data"])) for o in found)
    assert beside[-1]["end"] == len(EVERY_BYTE)
    assert "".join(o["data"] for o in beside).count("\ufffd") > 128
    assert not any("encoding" in o for o in beside)


@pytest.mark.parametrize("mode", ["chunk", "line"])
async def test_a_prompt_without_its_newline_is_told_while_its_process_waits(
    local_stack: Stack, mode: str
) -> None:
    async with connected(local_stack.websocket) as client:
        _, pid = await runs(client, f"{PROMPT}{WAIT}print('joe')", mode=mode)
        (asked,) = outputs(await client.until("process.output"))
        go_on(pid)
        (rest,) = outputs(await client.until("process.completed"))
    assert (asked["data"], asked["truncated"], asked["end"]) == ("name: ", True, 6)
    assert (rest["data"], rest["truncated"], rest["offset"]) == ("joe\n", False, 6)


@pytest.mark.parametrize("mode", ["chunk", "line"])
async def test_a_character_in_two_writes_with_a_pause_between_them_comes_whole(
    local_stack: Stack, mode: str
) -> None:
    first = "out = sys.stdout.buffer; out.write(b'a\\xf0\\x9f'); out.flush()"
    between = "sys.stderr.write('between\\n'); sys.stderr.flush()\n"
    program = f"{first}{WAIT}{between}out.write(b'\\x99\\x82!\\n')"
    async with connected(local_stack.websocket) as client:
        _, pid = await runs(client, program, mode=mode)
        found = outputs(await client.until("process.output"))
        assert [o["data"] for o in found] == ["a"]
        go_on(pid)
        found += outputs(await client.until("process.completed"))
    of_stdout = "".join(o["data"] for o in found if o["type"] == "stdout")
    assert of_stdout == "a🙂!\n"
    assert found[-1]["end"] == len("a🙂!\nbetween\n".encode())


@pytest.mark.parametrize("size", [1024, 8192, 300_000])
async def test_a_line_above_the_limit_comes_in_pieces_and_one_below_it_whole(
    local_stack: Stack, size: int
) -> None:
    program = f"print('x' * ({size} - 1)); print('y' * {size}); print('z')"
    async with connected(local_stack.websocket) as client:
        name, _ = await runs(client, program, mode="line", maxLineBytes=size)
        await client.until("process.completed")
        await client.send("attach", execution=name, mode="line", maxLineBytes=size)
        found = outputs(await client.until("process.completed"))
    assert [(len(o["data"]), o["truncated"]) for o in found] == [
        *((size, False), (size, True), (1, False), (2, False))
    ]


async def test_who_asks_for_nothing_is_told_nothing_new(local_stack: Stack) -> None:
    async with connected(local_stack.websocket) as client, asyncio.timeout(60):
        found = outputs(await client.run(command="sh -c 'echo out; sleep 1; echo err >&2'"))
    assert [list(o) for o in found] == [
        ["type", "data", "truncated", "execution", "offset", "end"]
    ] * 2
    assert [(o["type"], o["data"], o["truncated"]) for o in found] == [
        *(("stdout", "out\n", False), ("stderr", "err\n", False))
    ]
