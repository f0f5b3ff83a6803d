"""Through a gateway that asks for a token, the whole way down to a process."""

from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from ccx_dev.child import Child
from ccx_dev.stack import Stack, start_gateway, websocket_of
from support.operated import Gate
from support.wire_client import bearer, connected, output_of


@pytest.fixture(scope="module")
def gateway(local_stack: Stack) -> Iterator[Child]:
    words = ("--auth", "token", "--probe-address", "127.0.0.1:0")
    gateway = start_gateway(local_stack.directory, local_stack.kubeconfig, *words)
    yield gateway
    gateway.end()


async def test_each_does_what_their_role_allows(gateway: Child, tmp_path: Path) -> None:
    url, gate = websocket_of(gateway), Gate(tmp_path, "all")
    ticks = f"for i in 1 2 3; do echo tick $i; done; {gate.waits()}; echo tick 4"
    async with connected(url, bearer("owner")) as owner, connected(url, bearer("viewer")) as viewer:
        started = (await owner.call("execute", argv=["sh", "-c", ticks]))["result"]
        name = started["execution"]
        refused = await viewer.call("control", type="PAUSE", execution=name)
        assert refused["error"]["code"] == -32012
        assert (await viewer.call("attach", execution=name))["result"]["execution"] == name
        await owner.send("control", type="PAUSE")
        assert (await owner.next_response())["result"]["status"] == "paused"
        await owner.send("control", type="RESUME")
        assert (await owner.next_response())["result"]["status"] == "resumed"
        await gate.open()
        found = await viewer.until("process.completed")
        assert output_of(found) == b"".join(b"tick %d\n" % i for i in range(1, 5))
        await owner.until("process.completed")


async def test_who_has_no_token_is_told_how_to_get_one(gateway: Child) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await http.ws_connect(websocket_of(gateway))
        assert caught.value.status == 401
        async with http.get(f"{gateway.said}/ws/mcp") as answer:
            told = await answer.json()
    assert told["error"] == "unauthenticated"
    assert "kubectl create token" in told["message"]
