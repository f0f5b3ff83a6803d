"""A whole devcluster in this process: API, controllers, node.

running_devcluster() -> store, registry, cleanup, kubelet, HTTP server -> Devcluster
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web

from devcluster.accounts import Accounts
from devcluster.app import Api
from devcluster.builtin import BUILTIN
from devcluster.cleanup import Cleanup
from devcluster.faults import Faults
from devcluster.history import Change
from devcluster.journal import Journal
from devcluster.kubeconfig import write_kubeconfig
from devcluster.kubelet import Kubelet
from devcluster.namespaces import add_first_namespaces
from devcluster.ports import Node
from devcluster.resources import CRDS, Registry, custom_type
from devcluster.store import Store


@dataclass(frozen=True)
class Devcluster:
    url: str
    kubeconfig: Path
    store: Store
    faults: Faults
    jobs: tuple[asyncio.Task[None], ...]
    """Controllers and node: they end only by a fault of ours."""


@asynccontextmanager
async def running_devcluster(
    *,
    port: int = 0,
    kubeconfig: Path | None = None,
    data_dir: Path | None = None,
    path: Sequence[str] = (),
    tokens: Path | None = None,
    with_node: bool = True,
    played_node: Node | None = None,
) -> AsyncIterator[Devcluster]:
    """On leaving, every pod process has ended. Without a node, pods stay Pending.

    `played_node` is a test's own, in the place of the kubelet.

    `tokens` is read for every review: a token that is taken out of the file is revoked.
    """
    accounts = Accounts if tokens is None else partial(Accounts.read, tokens)
    accounts()  # a mistake in it is told now
    async with AsyncExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="devcluster-")))
        store, registry = _control_plane(stack, data_dir)
        root = (data_dir or scratch) / "node"
        node = played_node
        if node is None and with_node:
            node = Kubelet(store, root=root, path=path)
        controllers = Cleanup(store, registry)
        jobs = [await stack.enter_async_context(_running(controllers.run()))]
        faults = Faults()
        api = Api(store, registry, node, accounts=accounts, faults=faults)
        url = await _listen(stack, api, port)
        if node is not None:
            jobs.append(await stack.enter_async_context(_running(node.run())))
        config = kubeconfig or scratch / "kubeconfig"
        write_kubeconfig(config, url)
        yield Devcluster(url, config, store, faults, tuple(jobs))


def _control_plane(stack: AsyncExitStack, data_dir: Path | None) -> tuple[Store, Registry]:
    store, registry = Store(), Registry(BUILTIN)
    store.listen(registry.on_change)

    def begin_resource(change: Change) -> None:
        if change.resource == CRDS and change.type == "ADDED":
            store.begin(custom_type(change.object).key)

    store.listen(begin_resource)
    if data_dir is not None:
        stack.callback(Journal(data_dir, store).close)
        for crd in store.list(CRDS):
            registry.add(crd)
    add_first_namespaces(store)
    return store, registry


async def _listen(stack: AsyncExitStack, api: Api, port: int) -> str:
    runner = web.AppRunner(
        api.application(), access_log=None, handler_cancellation=True, shutdown_timeout=0.1
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    host, bound = runner.addresses[0][:2]
    return f"http://{host}:{bound}"


@asynccontextmanager
async def _running(job: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
    """On leaving, a fault of the job is raised."""
    task = asyncio.create_task(job)
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
