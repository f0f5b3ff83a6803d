"""What a client is told of an execution that has ended, while its pod is still there."""

from ccx_dev.stack import Stack
from support.wire_client import Object, connected, methods

LINES = 120_000
"""Of 100 bytes: more than a pod's log gets."""

PRINT = f"import sys\nfor n in range({LINES}): print(f'{{n:08d}}', 'x' * 90)"


async def attached(stack: Stack, name: str) -> list[Object]:
    async with connected(stack.websocket) as client:
        await client.send("attach", execution=name)
        return await client.until("process.completed")


async def ran(stack: Stack, *argv: str) -> str:
    async with connected(stack.websocket) as client:
        messages = await client.run(argv=list(argv))
    name: str = messages[0]["result"]["execution"]
    return name


async def test_a_log_that_is_all_of_it_is_output_whose_streams_are_not_known(
    local_stack: Stack,
) -> None:
    name = await ran(local_stack, "sh", "-c", "echo out; echo err >&2; sleep 0.1")
    response, output, completed = await attached(local_stack, name)
    assert response["result"]["phase"] == "Succeeded"
    told = output["params"]
    assert sorted(told["data"].split()) == ["err", "out"]
    assert (told["offset"], told["end"], told["merged"]) == (0, 8, True)
    assert completed["params"]["exit_code"] == 0


async def test_a_log_that_is_not_is_a_gap_and_its_end_without_offsets(local_stack: Stack) -> None:
    name = await ran(local_stack, "python3", "-c", PRINT)
    messages = await attached(local_stack, name)
    assert methods(messages) == ["response", "process.gap", "process.tail", "process.completed"]
    gap, tail = messages[1]["params"], messages[2]["params"]
    assert (gap["from"], gap["to"], gap["bytes"]) == (0, LINES * 100, LINES * 100)
    assert (tail["execution"], tail["namespace"]) == (name, "default")
    assert "offset" not in tail
    assert len(tail["data"]) == tail["bytes"] <= 65536
    end = tail["data"].splitlines()[-1]
    assert "bytes left out of this log" in end or end.startswith(f"{LINES - 1:08}")
