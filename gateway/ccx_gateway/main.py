"""`ccx-gateway`: everything wired, served until TERM or INT."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from aiohttp import web

from ccx_gateway import logs
from ccx_gateway.allow_list import AllowList
from ccx_gateway.app import Gateway
from ccx_gateway.authn import Authenticator
from ccx_gateway.authz import Authorizer
from ccx_gateway.control import Control
from ccx_gateway.door import Door
from ccx_gateway.feeds import Feeds
from ccx_gateway.lease import new_gateway_id
from ccx_gateway.metrics import Metrics
from ccx_gateway.open_links import OpenLinks
from ccx_gateway.options import Options, parse
from ccx_gateway.recent_answers import KEPT_SECONDS
from ccx_gateway.services import Services
from ccx_gateway.session_keeper import SessionKeeper
from ccx_gateway.watcher import Watcher
from ccx_kube.errors import ConfigError
from ccx_kube.executions import Executions
from ccx_kube.reviews import Reviews
from ccx_kube.session import KubeSession
from ccx_runner.heap import keep_what_is_freed, pass_over_what_is_here

log = logging.getLogger(__name__)

_SHUTDOWN_SECONDS = 5.0


def main() -> None:
    options = parse(sys.argv[1:])
    logs.configure(options.log_format)
    keep_what_is_freed()
    pass_over_what_is_here()
    try:
        asyncio.run(_until_told_to_stop(options))
    except (ConfigError, OSError) as exc:
        sys.exit(f"ccx-gateway: {exc}")
    except BaseExceptionGroup as exc:
        for error in exc.exceptions:
            log.critical("a part of the gateway died", exc_info=error)
        sys.exit(1)


async def _until_told_to_stop(options: Options) -> None:
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(serve(options))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


async def serve(options: Options) -> None:
    async with (
        await KubeSession.from_environment() as session,
        running_gateway(options, session) as (url, services),
    ):
        sys.stdout.write(f"ready {url}\n")
        sys.stdout.flush()
        await services.keeper.run()


@asynccontextmanager
async def running_gateway(
    options: Options, session: KubeSession, *, kept_seconds: float = KEPT_SECONDS
) -> AsyncIterator[tuple[str, Services]]:
    """Its URL. What it knows of tokens and rights is as old as `kept_seconds` at most."""
    async with AsyncExitStack() as stack:
        links = OpenLinks(session)
        metrics = Metrics(sessions=lambda: len(gateway), links=lambda: len(links))
        feeds = await stack.enter_async_context(Feeds(session, links.open, metrics=metrics.stream))
        session.on_response = metrics.requested
        gateway = Gateway(
            session,
            _door(options, session, metrics, kept_seconds),
            max_sessions=options.max_sessions,
            executions=options.executions,
            output=options.output,
            client_seconds=options.client_seconds,
        )
        services = _services(options, session, links, feeds, metrics)
        if options.probe_address is not None:
            url = await _listen(stack, gateway.probes(services), options.probe_address)
            log.info("probes and metrics are at %s, too", url)
        yield await _listen(stack, gateway.app(services), options.address), services


def _door(options: Options, session: KubeSession, metrics: Metrics, kept_seconds: float) -> Door:
    sign_in = None
    if options.auth == "token":
        reviews = Reviews(session)
        authenticator = Authenticator(reviews, options.audience, seconds=kept_seconds)
        sign_in = authenticator, Authorizer(reviews, seconds=kept_seconds)
    return Door(sign_in, origins=options.origins, count=metrics.authorized)


def _services(
    options: Options, session: KubeSession, links: OpenLinks, feeds: Feeds, metrics: Metrics
) -> Services:
    executions = Executions(session)
    watcher = Watcher(executions)
    return Services(
        namespace=options.namespace or session.namespace,
        allow_list=AllowList.of(os.environ),
        executions=executions,
        watcher=watcher,
        feeds=feeds,
        links=links,
        control=Control(executions, watcher, links, way=feeds.way),
        keeper=SessionKeeper(session, new_gateway_id()),
        metrics=metrics,
    )


async def _listen(stack: AsyncExitStack, app: web.Application, address: tuple[str, int]) -> str:
    """The URL. Without aiohttp's access log: it keeps URLs, and somebody may have put a token
    into one.
    """
    runner = web.AppRunner(app, shutdown_timeout=_SHUTDOWN_SECONDS, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, *address).start()
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
