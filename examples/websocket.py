"""Run a command through the gateway, watch it, pause it, and let it go on."""

import asyncio
import sys

import aiohttp

URL = sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:8003/ws/mcp"
LOOP = "for i in 1 2 3 4 5; do echo tick $i; sleep 0.5; done"


async def main() -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(URL) as gateway:

        async def call(method: str, **params: object) -> None:
            request = {"jsonrpc": "2.0", "id": method, "method": method, "params": params}
            await gateway.send_json(request)

        await call("execute", argv=["sh", "-c", LOOP])
        async for message in gateway:
            told = message.json()
            print(told.get("method", "answer"), told.get("params") or told.get("result"))
            match told:
                case {"method": "process.output", "params": {"data": data}} if "tick 2\n" in data:
                    await call("control", type="PAUSE")
                case {"method": "process.paused"}:
                    await asyncio.sleep(2)  # nothing ticks
                    await call("control", type="RESUME")
                case {"method": "process.completed"}:
                    return


asyncio.run(main())
