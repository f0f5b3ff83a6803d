"""`ccx-gateway`: everything wired, served until TERM or INT."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

from aiohttp import web

from ccx_gateway import logs
from ccx_gateway.allow_list import VARIABLE, AllowList
from ccx_gateway.app import Gateway
from ccx_gateway.control import Control
from ccx_gateway.feeds import Feeds
from ccx_gateway.lease import new_gateway_id
from ccx_gateway.metrics import Metrics
from ccx_gateway.open_links import OpenLinks
from ccx_gateway.services import Services
from ccx_gateway.session_keeper import SessionKeeper
from ccx_gateway.watcher import Watcher
from ccx_kube.errors import ConfigError
from ccx_kube.executions import Executions
from ccx_kube.session import KubeSession

log = logging.getLogger(__name__)

_SHUTDOWN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Options:
    address: tuple[str, int]
    namespace: str | None
    max_sessions: int
    executions: int
    log_format: str


def main() -> None:
    options = parse(sys.argv[1:])
    logs.configure(options.log_format)
    try:
        asyncio.run(_until_told_to_stop(options))
    except (ConfigError, OSError) as exc:
        sys.exit(f"ccx-gateway: {exc}")
    except BaseExceptionGroup as exc:
        for error in exc.exceptions:
            log.critical("a part of the gateway died", exc_info=error)
        sys.exit(1)


def parse(words: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog="ccx-gateway",
        description="Serve ClaudeExecutions to WebSocket clients.",
        epilog=f"{VARIABLE} in the environment is a comma list of the programs that may be"
        " executed; unset, all may.",
    )
    add = parser.add_argument
    add("--address", type=_address, default="127.0.0.1:8003", metavar="HOST:PORT")
    add("--namespace", help="where a call names none; by default the kubeconfig's or our own")
    add("--max-sessions", type=_positive, default=100, help="sockets at once (100)")
    add("--executions-per-session", type=_positive, default=1, help="that run at once (1)")
    add("--log-format", choices=("json", "text"), default="json")
    found = parser.parse_args(words)
    return Options(
        address=found.address,
        namespace=found.namespace,
        max_sessions=found.max_sessions,
        executions=found.executions_per_session,
        log_format=found.log_format,
    )


async def _until_told_to_stop(options: Options) -> None:
    loop = asyncio.get_running_loop()
    serving = asyncio.create_task(serve(options))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    with suppress(asyncio.CancelledError):
        await serving


async def serve(options: Options) -> None:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(await KubeSession.from_environment())
        gateway = Gateway(session, max_sessions=options.max_sessions, executions=options.executions)
        links = OpenLinks(session)
        feeds = await stack.enter_async_context(Feeds(session, links.open))
        metrics = Metrics(sessions=lambda: len(gateway), links=lambda: len(links))
        session.on_response = metrics.requested
        services = _services(options, session, links, feeds, metrics)
        runner = web.AppRunner(gateway.app(services), shutdown_timeout=_SHUTDOWN_SECONDS)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await _listen(runner, options.address)
        await services.keeper.run()


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
        control=Control(executions, watcher, links),
        keeper=SessionKeeper(session, new_gateway_id()),
        metrics=metrics,
    )


async def _listen(runner: web.AppRunner, address: tuple[str, int]) -> None:
    await web.TCPSite(runner, *address).start()
    host, port = runner.addresses[0][:2]
    host = f"[{host}]" if ":" in host else host
    if address[0] not in ("127.0.0.1", "::1", "localhost"):
        log.warning("%s:%s can be reached by others, and asks nobody to sign in", host, port)
    sys.stdout.write(f"ready http://{host}:{port}\n")
    sys.stdout.flush()


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8003")
    return host.strip("[]"), int(port)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 on")
    return int(text)
