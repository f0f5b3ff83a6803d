"""`helm test`: a command as an execution, by the gateway, as a client signs in and runs one."""

import asyncio
import os
import sys
from pathlib import Path

import aiohttp

from ccx_kube.executions import Executions
from ccx_kube.session import KubeSession

SECONDS = 120
TOKEN = Path("/var/run/ccx/token")


async def run(url: str, token: str) -> tuple[str, dict[str, object], bytes]:
    headers = {"Authorization": f"Bearer {token}"}
    name, printed = "", b""
    async with aiohttp.ClientSession() as http, http.ws_connect(url, headers=headers) as gateway:
        params = {"argv": ["sh", "-c", "echo it works"]}
        call = {"jsonrpc": "2.0", "id": 1, "method": "execute", "params": params}
        await gateway.send_json(call)
        async for message in gateway:
            told = message.json()
            print(told, flush=True)
            if "error" in told:
                sys.exit("the execution is refused")
            name = told.get("result", {}).get("execution", name)
            if told.get("method") == "process.output":
                printed += told["params"]["data"].encode()
            if told.get("method") in ("process.completed", "process.error"):
                return name, told["params"], printed
    sys.exit("the gateway has closed the connection")


async def main(token: str) -> None:
    async with asyncio.timeout(SECONDS):
        name, end, printed = await run(os.environ["GATEWAY"], token)
        async with await KubeSession.from_environment() as session:
            goes = {"ttlSecondsAfterFinished": 0}
            await Executions(session).patch_spec(os.environ["EXECUTIONS"], name, goes)
    if end.get("exit_code") != 0 or printed != b"it works\n":
        sys.exit(f"it has ended as {end}, and printed {printed!r}")


asyncio.run(main(TOKEN.read_text(encoding="utf-8").strip()))
