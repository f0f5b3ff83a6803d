"""The gateway's own code in a process of its own, for output that comes from a local source.

source -> LocalUpstream -> Feed -> encoder -> Socket -> clients      no runner, no exec

python -m bench.local_gateway [PIPE] -> ready URL SOURCE
"""

import asyncio
import sys
from contextlib import AsyncExitStack
from typing import Final

from aiohttp import web

from bench.local_upstream import LocalUpstream, Source
from bench.origin import HOST, comes_from
from ccx_gateway.allow_list import AllowList
from ccx_gateway.app import Gateway
from ccx_gateway.control import Control
from ccx_gateway.door import Door
from ccx_gateway.feeds import Feeds
from ccx_gateway.metrics import Metrics
from ccx_gateway.open_links import OpenLinks
from ccx_gateway.options import CLIENT_SECONDS
from ccx_gateway.services import Services
from ccx_gateway.session_keeper import SessionKeeper
from ccx_gateway.watcher import Watcher
from ccx_kube.executions import Executions
from ccx_kube.session import KubeSession
from ccx_runner.heap import keep_what_is_freed, pass_over_what_is_here

MAX_SESSIONS: Final = 2000


async def main() -> None:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(await KubeSession.from_environment())
        source = Source()
        metrics = Metrics(sessions=lambda: len(gateway), links=lambda: 1)
        feeds = Feeds(session, metrics=metrics.stream, upstream=lambda *_: LocalUpstream(source))
        await stack.enter_async_context(feeds)
        door = Door(None, count=metrics.authorized)
        gateway = Gateway(
            *(session, door),
            max_sessions=MAX_SESSIONS,
            executions=1,
            output="chunks",
            client_seconds=CLIENT_SECONDS,
        )
        app = gateway.app(_services(session, feeds, metrics))
        runner = web.AppRunner(app, shutdown_timeout=1, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, HOST, 0, backlog=MAX_SESSIONS).start()
        place = await comes_from(lambda: source, sys.argv[1:])
        sys.stdout.write(f"ready http://{HOST}:{runner.addresses[0][1]} {place}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def _services(session: KubeSession, feeds: Feeds, metrics: Metrics) -> Services:
    executions, links = Executions(session), OpenLinks(session)
    watcher = Watcher(executions)
    return Services(
        namespace="default",
        allow_list=AllowList.of({}),
        executions=executions,
        watcher=watcher,
        feeds=feeds,
        links=links,
        control=Control(executions, watcher, links),
        keeper=SessionKeeper(session, "bench"),
        metrics=metrics,
    )


if __name__ == "__main__":
    keep_what_is_freed()  # as the gateway does
    pass_over_what_is_here()
    asyncio.run(main())
