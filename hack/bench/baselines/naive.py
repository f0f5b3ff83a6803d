"""What one would write first: a message for each line, sent to one client after the other.

python -m bench.baselines.naive -> ready SOURCE_PORT CLIENTS_PORT
"""

import asyncio
import json
import sys

from aiohttp import web

HOST = "127.0.0.1"


class Naive:
    def __init__(self) -> None:
        self._clients: list[web.WebSocketResponse] = []
        self._offset = 0

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        client = web.WebSocketResponse(compress=False)
        await client.prepare(request)
        self._clients.append(client)
        async for _ in client:
            await client.send_str('{"jsonrpc":"2.0","id":1,"result":"attached"}')
        return client

    async def source(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for line in reader:
            await self._broadcast(line)
        writer.close()

    async def _broadcast(self, line: bytes) -> None:
        start, self._offset = self._offset, self._offset + len(line)
        params = {
            "type": "stdout",
            "data": line.decode("utf-8", "replace"),
            "truncated": False,
            "execution": "x",
            "offset": start,
            "end": self._offset,
        }
        for client in self._clients:
            message = {"jsonrpc": "2.0", "method": "process.output", "params": params}
            await client.send_str(json.dumps(message))


async def main() -> None:
    naive, app = Naive(), web.Application()
    app.router.add_get("/", naive.serve)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    source = await asyncio.start_server(naive.source, HOST, 0)
    port = source.sockets[0].getsockname()[1]
    sys.stdout.write(f"ready {port} {runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
