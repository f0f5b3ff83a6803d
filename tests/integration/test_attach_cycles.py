"""Who comes and goes leaves nothing behind: no memory, no descriptor, no task.

CCX_CYCLES=10000 comes and goes so often (400).
"""

import asyncio
import gc
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ccx_dev.stack import Stack
from ccx_gateway.main import running_gateway
from ccx_gateway.options import parse
from ccx_kube.session import KubeSession
from support.links import until
from support.raw_socket import TEXT, a_raw_socket, call
from support.wire_client import WAIT_SECONDS, WireClient, connected

CYCLES = int(os.environ.get("CCX_CYCLES", "400"))
WARM_UP = 100
MIB = 1024 * 1024
PRINTS = "sh -c 'echo begun; while :; do echo tick; sleep 0.5; done'"


@asynccontextmanager
async def a_gateway(stack: Stack) -> AsyncIterator[str]:
    """In this process, so that its tasks can be counted."""
    options = parse(["--address", "127.0.0.1:0", "--auth", "none"])
    async with (
        await KubeSession.from_environment(str(stack.kubeconfig)) as session,
        running_gateway(options, session) as (url, _),
    ):
        yield url.replace("http", "ws", 1) + "/ws/mcp"


def resident() -> int:
    gc.collect()
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.findall(r"VmRSS:\s+(\d+) kB", text)[0]) * 1024


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def come_and_go(client: WireClient, url: str, name: str, cycles: int) -> None:
    """Seven of eight times on a socket that stays; else one that leaves without a word."""
    for n in range(cycles):
        if n % 8:
            mode = ("chunk", "line")[n % 2]
            await client.result("attach", execution=name, mode=mode, **{"from": "start"})
            await client.result("detach", execution=name)
        else:
            async with a_raw_socket(url) as raw:
                await raw.send(call("attach", execution=name))
                assert (await raw.until(TEXT))[0][0] == TEXT


@pytest.mark.timeout(1200)
async def test_ten_thousand_times_attached_and_gone_leaves_nothing_behind(
    local_stack: Stack,
) -> None:
    async with (
        a_gateway(local_stack) as url,
        connected(url) as owner,
        connected(url) as client,
    ):
        name = (await owner.result("execute", command=PRINTS, credit=100))["execution"]
        await owner.until("process.output")
        tasks, files = len(asyncio.all_tasks()), descriptors()
        await come_and_go(client, url, name, WARM_UP)
        memory = resident()
        await come_and_go(client, url, name, CYCLES)
        async with asyncio.timeout(WAIT_SECONDS):
            await until(lambda: len(asyncio.all_tasks()) <= tasks and descriptors() <= files)
        assert resident() - memory <= 5 * MIB
        assert "status" in await owner.result("control", type="CANCEL")
