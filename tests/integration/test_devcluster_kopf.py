"""kopf, the real one, on devcluster: as the operator uses it, for events alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import kopf

from devcluster.server import running_devcluster
from support.devcluster_client import Client
from support.devcluster_objects import CRDS, GROUP, PLURAL, VERSION, WIDGETS, a_crd, a_pod, a_widget

PODS = "/api/v1/namespaces/default/pods"
SECONDS = 60


@asynccontextmanager
async def an_operator(url: str, seen: asyncio.Queue[tuple[str, str]]) -> AsyncIterator[None]:
    """It follows widgets, and the pods that its label selector lets through."""
    registry, settings = kopf.OperatorRegistry(), kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.queueing.worker_limit, settings.queueing.idle_timeout = 32, 0.02

    @kopf.on.login(registry=registry)
    def login(**_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=url)

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=registry)
    @kopf.on.event("", "v1", "pods", labels={"app": "widget"}, registry=registry)
    async def saw(type: str | None, name: str, **_: Any) -> None:  # noqa: A002 - kopf's name
        await seen.put((type or "LISTED", name))

    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(
        kopf.operator(
            registry=registry,
            settings=settings,
            namespaces=["default"],
            standalone=True,
            stop_flag=stop,
            ready_flag=ready,
        )
    )
    try:
        async with asyncio.timeout(SECONDS):
            await ready.wait()
        yield
    finally:
        stop.set()
        with suppress(asyncio.CancelledError):
            await running


async def test_kopf_sees_what_is_there_and_what_happens() -> None:
    seen = asyncio.Queue[tuple[str, str]]()
    async with running_devcluster(with_node=False) as cluster, Client(cluster.url) as api:
        await api.create(CRDS, a_crd())
        await api.create(WIDGETS, a_widget("before"))
        async with an_operator(cluster.url, seen), asyncio.timeout(SECONDS):
            assert await seen.get() == ("LISTED", "before")
            await api.create(WIDGETS, a_widget("after"))
            assert await seen.get() == ("ADDED", "after")
            await api.merge(f"{WIDGETS}/after/status", {"status": {"phase": "Running"}})
            assert await seen.get() == ("MODIFIED", "after")
            await api.create(PODS, a_pod("other"))
            await api.create(PODS, a_pod("mine", metadata={"labels": {"app": "widget"}}))
            assert await seen.get() == ("ADDED", "mine")
            await api.ask("DELETE", f"{PODS}/mine")
            assert await seen.get() == ("DELETED", "mine")


async def test_kopf_goes_on_after_its_watches_have_expired_and_broken() -> None:
    seen = asyncio.Queue[tuple[str, str]]()
    async with running_devcluster(with_node=False) as cluster, Client(cluster.url) as api:
        await api.create(CRDS, a_crd())
        async with an_operator(cluster.url, seen), asyncio.timeout(SECONDS):
            await api.create(WIDGETS, a_widget("first"))
            assert (await seen.get())[1] == "first"
            for fault in ("gone", "reset"):
                strike = {"fault": fault, "verb": "watch", "resource": f"{PLURAL}.{GROUP}"}
                await api.ask("POST", "/devcluster/faults", strike)
                await api.create(WIDGETS, a_widget(fault))
                while (await seen.get())[1] != fault:
                    pass
