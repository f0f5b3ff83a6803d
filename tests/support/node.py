"""A kubelet with the real store, and what is true of the processes of its pods."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devcluster.kubelet import Kubelet
from devcluster.ports import LogOptions
from devcluster.store import Store

Object = dict[str, Any]
SECONDS = 60


@dataclass(frozen=True)
class RunningNode:
    store: Store
    kubelet: Kubelet

    def create(self, pod: Object) -> None:
        self.store.create("pods", "default", pod)

    def pod(self, name: str = "pod") -> Object:
        found = self.store.get("pods", "default", name)
        assert found is not None
        return found

    async def until(self, true: Callable[[Object], bool], name: str = "pod") -> Object:
        """The pod, as soon as that is true of it."""
        changes = self.store.subscribe("pods")
        try:
            async with asyncio.timeout(SECONDS):
                while not true(pod := self.pod(name)):
                    await anext(changes)
        except TimeoutError:
            raise AssertionError(f"not in {SECONDS} s; the status is {pod['status']}") from None
        finally:
            changes.close()
        return pod

    async def until_told(self, reason: str) -> None:
        """There is an Event of that reason."""
        changes = self.store.subscribe("events")
        try:
            async with asyncio.timeout(SECONDS):
                while not self.events(reason):
                    await anext(changes)
        finally:
            changes.close()

    async def until_gone(self, name: str = "pod") -> None:
        changes = self.store.subscribe("pods")
        try:
            async with asyncio.timeout(SECONDS):
                while self.store.get("pods", "default", name) is not None:
                    await anext(changes)
        finally:
            changes.close()

    def annotate(self, fault: str | None, name: str = "pod") -> None:
        def change(pod: Object) -> Object:
            pod["metadata"]["annotations"] = {"devcluster/fault": fault} if fault else {}
            return pod

        self.store.modify("pods", "default", name, change)

    def let_go(self, name: str = "pod") -> None:
        """Without its scheduling gates."""
        self.store.modify(
            "pods",
            "default",
            name,
            lambda pod: pod | {"spec": pod["spec"] | {"schedulingGates": []}},
        )

    def delete(self, name: str = "pod", *, grace: int = 30) -> None:
        """As the API does it."""

        def change(pod: Object) -> Object:
            deletion = {"deletionTimestamp": "2026-01-01T00:00:00Z"}
            pod["metadata"] |= {**deletion, "deletionGracePeriodSeconds": grace}
            return pod

        self.store.modify("pods", "default", name, change)

    async def log(self, name: str = "pod", container: str = "main", **options: Any) -> str:
        chunks = self.kubelet.logs("default", name, container, LogOptions(**options))
        async with asyncio.timeout(SECONDS):
            return b"".join([chunk async for chunk in chunks]).decode()

    def events(self, reason: str) -> list[str]:
        return [e["message"] for e in self.store.list("events") if e["reason"] == reason]


@asynccontextmanager
async def running_node(
    root: Path, *, store: Store | None = None, path: tuple[str, ...] = ()
) -> AsyncIterator[RunningNode]:
    store = store or Store()
    kubelet = Kubelet(store, root=root, path=path)
    task = asyncio.create_task(kubelet.run())
    await asyncio.sleep(0)  # let it register its Node
    try:
        yield RunningNode(store, kubelet)
    finally:
        task.cancel()
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled(), task.exception()


def has_phase(phase: str) -> Callable[[Object], bool]:
    return lambda pod: bool(pod["status"].get("phase") == phase)


def state(pod: Object, container: int = 0) -> tuple[str, Object]:
    """(waiting, running or terminated, its fields) of a container."""
    statuses = pod["status"].get("containerStatuses")
    if not statuses:
        return "waiting", {}
    ((kind, fields),) = statuses[container]["state"].items()
    return kind, fields


def waits_because(reason: str) -> Callable[[Object], bool]:
    return lambda pod: state(pod)[1].get("reason") == reason


def condition(pod: Object, kind: str) -> Object:
    found: Object = next((c for c in pod["status"].get("conditions", ()) if c["type"] == kind), {})
    return found


def a_mark() -> str:
    """Seconds for `sleep` that no other process on this machine sleeps."""
    return f"3600.{secrets.randbelow(10**12):012d}"


def marked(mark: str) -> int:
    """How many processes have the mark in their arguments."""
    return sum(mark.encode() in _arguments(entry) for entry in Path("/proc").glob("[0-9]*"))


async def until_marked(mark: str, count: int) -> None:
    await until_true(lambda: marked(mark) == count)


async def until_true(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not true():  # noqa: ASYNC110 - processes tell nobody when they start
            await asyncio.sleep(0)


def _arguments(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
