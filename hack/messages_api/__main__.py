"""`python -m messages_api [--host ADDRESS] [--port N]`: serve the scripted Messages API."""

import argparse
import asyncio

from aiohttp import web

from messages_api.server import MessagesApi


async def serve(host: str, port: int) -> None:
    runner = web.AppRunner(MessagesApi().app(), handler_cancellation=True, shutdown_timeout=1)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    await site.start()
    print(f"ready http://{host}:{runner.addresses[0][1]}", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1", help="loopback if absent")
    given = parser.parse_args()
    try:
        asyncio.run(serve(given.host, given.port))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
