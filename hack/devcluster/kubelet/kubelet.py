"""The node: follows the pods that are bound to it, and answers for their logs and execs.

store.subscribe("pods") -> a PodWorker each -> status;  API -> logs(), exec() -> container
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from devcluster.history import Object
from devcluster.kubelet.broadcast import Broadcast
from devcluster.kubelet.container_process import StartError
from devcluster.kubelet.events import Events
from devcluster.kubelet.exec_process import Exec
from devcluster.kubelet.faults import ANNOTATION, Fault, is_unknown
from devcluster.kubelet.local_ports import LocalPorts
from devcluster.kubelet.log_reader import read_log
from devcluster.kubelet.node import Node
from devcluster.kubelet.pod_status import TERMINAL
from devcluster.kubelet.pod_worker import PodWorker
from devcluster.kubelet.requests import (
    no_previous,
    no_such_pod,
    not_running,
    started_runs,
    unreachable,
    waiting_to_start,
)
from devcluster.kubelet.scheduler import Scheduler
from devcluster.kubelet.services import Services
from devcluster.ports import LogOptions, NodeError
from devcluster.store import Store

REFERENCES = ("secrets", "configmaps", "persistentvolumeclaims")


class Kubelet:
    def __init__(
        self,
        store: Store,
        *,
        root: Path,
        path: Sequence[str] = (),
        node_name: str = "devcluster",
    ) -> None:
        """`root`: where pods, logs and claims live. Keep it short: unix sockets will be in it."""
        self._store = store
        self._node = Node(store, node_name)
        self._events = Events(store, node_name)
        self._scheduler = Scheduler(store, node_name, self._events)
        self._services = Services(
            store, self._events, LocalPorts(), Broadcast(), root.resolve(), tuple(path)
        )
        self._workers: dict[str, PodWorker] = {}
        self._driven: dict[str, asyncio.Task[None]] = {}
        self._lost: set[str] = set()

    async def run(self) -> None:
        """Drive all pods until cancelled; then leave no process. To be run once."""
        self._services.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._node.register()
        pods = self._store.subscribe("pods")
        try:
            for pod in self._store.list("pods"):
                self._saw(pod)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._scheduler.run())
                for resource in REFERENCES:
                    tasks.create_task(self._follow_references(resource))
                async for kind, pod in pods:
                    (self._was_removed if kind == "DELETED" else self._saw)(pod)
        finally:
            pods.close()
            for worker in self._workers.values():
                worker.stop()
            await asyncio.gather(*self._driven.values(), return_exceptions=True)

    async def logs(
        self, namespace: str, pod: str, container: str, options: LogOptions
    ) -> AsyncIterator[bytes]:
        """Raises NodeError, at the first step. With follow it ends with the container."""
        found = self._reachable_pod(namespace, pod)
        number = started_runs(found, container)
        if options.previous and not number:
            raise no_previous(found, container)
        if number is None:
            raise waiting_to_start(found, container)
        worker = self._workers.get(found["metadata"]["uid"])
        live = worker.runtime.container(container).log if worker else None
        home = self._services.pod_home(found["metadata"]["uid"])
        if options.previous:
            number, live = number - 1, None
        path = home / "l" / container / f"{number}.log"
        if options.previous and not path.exists():
            raise no_previous(found, container)
        async for chunk in read_log(path, live, options, now=datetime.now(UTC)):
            yield chunk

    async def exec(
        self,
        namespace: str,
        pod: str,
        container: str,
        command: Sequence[str],
        *,
        stdin: bool,
        tty: bool,
    ) -> Exec:
        """Start a process beside the container's main one. Raises NodeError."""
        found = self._reachable_pod(namespace, pod)
        worker = self._workers.get(found["metadata"]["uid"])
        run = worker.runtime.container(container) if worker else None
        if run is None or run.process is None or run.prepared is None:
            raise not_running(found, container)
        argv = [run.prepared.paths.in_token(token) for token in command]
        try:
            return await run.process.exec(argv, stdin=stdin, tty=tty)
        except StartError as error:
            raise NodeError(str(error), code=500, reason="InternalError") from None

    def _reachable_pod(self, namespace: str, name: str) -> Object:
        pod = self._store.get("pods", namespace, name)
        if pod is None:
            raise no_such_pod(name)
        if pod["metadata"]["uid"] in self._lost:
            raise unreachable(self._node.name)
        return pod

    async def _follow_references(self, resource: str) -> None:
        changes = self._store.subscribe(resource)
        try:
            async for _ in changes:
                self._services.references.fire()
        finally:
            changes.close()

    def _saw(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        if pod["spec"].get("nodeName") != self._node.name:
            return
        if uid in self._workers and not self._driven[uid].done():
            self._workers[uid].saw(pod)
        elif uid in self._workers or (pod.get("status") or {}).get("phase") in TERMINAL:
            self._end_grace(pod)
        else:
            self._begin(pod)
        self._follow_loss(uid)

    def _begin(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        if is_unknown(pod):
            known = ", ".join(Fault)
            why = f"annotation {ANNOTATION}: no such fault; there are {known}"
            self._events.tell("Warning", pod, "UnknownFault", why)
        self._workers[uid] = PodWorker(pod, self._services)
        self._driven[uid] = asyncio.create_task(self._workers[uid].run())

    def _end_grace(self, pod: Object) -> None:
        """Nothing of it runs here: its deletion waits for nobody."""
        metadata = pod["metadata"]
        if metadata.get("deletionTimestamp") and metadata.get("deletionGracePeriodSeconds"):
            self._store.delete_now(
                "pods", metadata["namespace"], metadata["name"], uid=metadata["uid"]
            )

    def _was_removed(self, pod: Object) -> None:
        uid = pod["metadata"]["uid"]
        if uid in self._workers:
            self._workers[uid].was_removed(pod)
            self._follow_loss(uid)
            self._driven[uid] = asyncio.create_task(self._clean_up(uid, self._driven[uid]))
        self._events.forget(uid)

    async def _clean_up(self, uid: str, driven: asyncio.Task[None]) -> None:
        await driven
        self._events.forget(uid)
        await asyncio.to_thread(shutil.rmtree, self._services.pod_home(uid), ignore_errors=True)
        del self._workers[uid], self._driven[uid]

    def _follow_loss(self, uid: str) -> None:
        worker = self._workers.get(uid)
        lost = worker is not None and worker.is_lost
        if lost != (uid in self._lost):
            (self._lost.add if lost else self._lost.discard)(uid)
            self._node.set_lost(bool(self._lost))
