"""Viewers that do not keep up: they delay nobody, and nothing is lost to them in silence."""

import asyncio
import hashlib
import json
from pathlib import Path

from ccx_dev.stack import Stack
from support.operated import Gate
from support.outside import is_alive, see
from support.wire_client import Object, WireClient, connected, output_of

LINES = 100_000
LINE = b"x" * 99 + b"\n"
PROGRAM = f"for i in range({LINES}): print('x' * 99)"
PRINTED = hashlib.sha256(LINE * LINES).hexdigest()
"""10 MB: more than the gateway holds, so that who is behind needs the runner."""

A_BIT = 100_000


async def read_up_to(client: WireClient, offset: int) -> list[Object]:
    found = await client.until("process.output")
    while found[-1]["params"]["end"] < offset:
        found += await client.until("process.output")
    return found


def digest(messages: list[Object]) -> str:
    return hashlib.sha256(output_of(messages)).hexdigest()


async def test_who_is_behind_at_the_end_delays_nobody_elses_completed_and_loses_no_byte(
    local_stack: Stack, tmp_path: Path
) -> None:
    gate = Gate(tmp_path, "both")
    argv = gate.script(f'exec python3 -c "{PROGRAM}"')
    async with connected(local_stack.websocket) as fast, connected(local_stack.websocket) as slow:
        told = (await fast.call("execute", argv=argv))["result"]
        process = see(told["pid"])
        assert process is not None
        runner = process.parent
        await slow.call("attach", execution=told["execution"], credit=A_BIT)
        await gate.open()

        found = await fast.until("process.completed")
        assert digest(found) == PRINTED
        assert (found[-1]["params"]["phase"], found[-1]["params"]["exit_code"]) == ("Succeeded", 0)
        late = await read_up_to(slow, A_BIT)
        assert is_alive(runner)  # it waits for who is behind

        await slow.send("credit", execution=told["execution"], bytes=len(LINE) * LINES)
        late += await slow.until("process.completed")
        assert digest(late) == PRINTED
        assert late[-1]["params"] == found[-1]["params"]


async def test_many_large_frames_at_once_are_all_answered_in_their_turn(local_stack: Stack) -> None:
    large = ["x" * 6 * 1024 * 1024 + str(n) for n in range(6)]
    async with connected(local_stack.websocket) as client:
        calls = [{"jsonrpc": "2.0", "method": "list", "id": text} for text in large]
        sending = asyncio.create_task(send_all(client, calls))
        answered = [(await client.next())["id"] for _ in calls]
        await sending
    assert sorted(answered) == large


async def send_all(client: WireClient, calls: list[Object]) -> None:
    for call in calls:
        await client.socket.send_str(json.dumps(call))
