"""A pod's way from its volumes over its init containers to its containers, and how it is ended.

live(): volumes -> init containers one by one -> containers side by side, restarted by policy
end(): TERM -> grace -> KILL -> nothing is left
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from devcluster.history import Object
from devcluster.kubelet.backoff import Backoff
from devcluster.kubelet.broadcast import Broadcast
from devcluster.kubelet.container_run import ContainerRun
from devcluster.kubelet.container_state import Terminated, Waiting
from devcluster.kubelet.faults import Fault, fault_of
from devcluster.kubelet.images import pull_error
from devcluster.kubelet.launch import Prepared, prepare
from devcluster.kubelet.lookup import ConfigError
from devcluster.kubelet.pod_status import PodFacts, Verdict
from devcluster.kubelet.services import Services
from devcluster.kubelet.volumes import MountError, make_volumes

MISSING_PROGRAM: Final = "asked-for-by-the-annotation-devcluster-fault"
PULL_RETRY: Final = 2.0
"""Seconds that ErrImagePull is shown before it becomes ImagePullBackOff."""


class PodRuntime:
    def __init__(self, pod: Object, services: Services, on_change: Callable[[], None]) -> None:
        self._pod, self._services, self._on_change = pod, services, on_change
        self._home = services.pod_home(pod["metadata"]["uid"])
        self._start_time = datetime.now(UTC)
        self._has_sandbox = False
        self._volumes: dict[str, Path] = {}
        spec = pod["spec"]
        self._policy = spec.get("restartPolicy", "Always")
        inits, mains = list(spec.get("initContainers") or ()), list(spec["containers"])
        self._share = len(inits) + len(mains)
        self._ports = services.ports.take(
            port["containerPort"] for c in (*inits, *mains) for port in c.get("ports") or ()
        )
        self._init = [self._container(c) for c in inits]
        self._mains = [self._container(c) for c in mains]
        self._restore(pod.get("status") or {})

    @property
    def containers(self) -> tuple[ContainerRun, ...]:
        return (*self._init, *self._mains)

    def container(self, name: str) -> ContainerRun:
        return next(run for run in self.containers if run.name == name)

    def facts(self, verdict: Verdict | None) -> PodFacts:
        return PodFacts(
            start_time=self._start_time,
            init=tuple(run.facts() for run in self._init),
            containers=tuple(run.facts() for run in self._mains),
            has_sandbox=self._has_sandbox,
            verdict=verdict,
        )

    def saw(self, pod: Object) -> None:
        """The newest object: labels and annotations may be asked for by an env variable."""
        self._pod = pod

    async def live(self) -> None:
        """Return when every container has ended for good. To be cancelled, then end()."""
        await self._mount()
        if not self._was_initialized:
            for run in self._init:
                if not await self._initialize(run):
                    return
        async with asyncio.TaskGroup() as tasks:
            for run in self._mains:
                tasks.create_task(self._keep_running(run))

    async def end(self, grace: Callable[[], float], changed: Broadcast) -> None:
        """End what runs. `grace` is asked again at every change: it may become shorter."""
        alive = [run for run in self.containers if run.is_alive]
        for run in alive:
            run.tell("Normal", "Killing", f"Stopping container {run.name}")
            run.terminate()
        began = asyncio.get_running_loop().time()
        while alive := [run for run in alive if run.is_alive]:
            asked_again = changed.next()
            left = began + grace() - asyncio.get_running_loop().time()
            if left <= 0:
                for run in alive:
                    run.kill()
                left = 1.0
            await _any_of([run.ended() for run in alive], asked_again, left)

    def kill(self, because: str) -> None:
        """Kill the containers, not the init containers, as if for `because`."""
        for run in self._mains:
            if run.process is not None:
                run.kill(because)

    def release(self) -> None:
        self._services.ports.free(self._ports.values())

    def _container(self, spec: Object) -> ContainerRun:
        def tell(kind: str, reason: str, message: str) -> None:
            self._services.events.tell(kind, self._pod, reason, message, spec["name"])

        logs = self._home / "l" / spec["name"]
        return ContainerRun(spec, logs, share=self._share, on_change=self._on_change, tell=tell)

    def _restore(self, status: Object) -> None:
        """Of an earlier run of the node counts whether a container, not only an init one, ran."""
        before = {s["name"]: s for s in status.get("containerStatuses") or ()}
        before |= {s["name"]: s for s in status.get("initContainerStatuses") or ()}
        ran = [before.get(run.name, {}).get("containerID") for run in self._mains]
        self._was_initialized = any(ran)
        waiting = "PodInitializing" if self._init else "ContainerCreating"
        for run in self.containers:
            run.state = Waiting(waiting)
            if self._was_initialized and run.name in before:
                run.restore(before[run.name])

    async def _mount(self) -> None:
        home, claims = self._home / "v", self._services.claims
        while not self._has_sandbox:
            changed = self._services.references.next()
            try:
                lookup = self._services.lookup(self._pod)
                self._volumes = make_volumes(self._pod, home, claims, lookup)
                self._has_sandbox = True
            except MountError as error:
                self._services.events.tell("Warning", self._pod, "FailedMount", str(error))
                await changed.wait()
        self._on_change()

    async def _initialize(self, run: ContainerRun) -> bool:
        backoff = Backoff()
        while True:
            state = await self._run_once(run, is_init=True)
            if state.exit_code == 0 or self._policy == "Never":
                return state.exit_code == 0
            await self._back_off(run, state, backoff)

    async def _keep_running(self, run: ContainerRun) -> None:
        backoff = Backoff()
        if isinstance(run.state, Terminated) and not self._is_restarted(run.state):
            return  # by an earlier run of the node
        while self._is_restarted(state := await self._run_once(run, is_init=False)):
            await self._back_off(run, state, backoff)

    def _is_restarted(self, state: Terminated) -> bool:
        failed = state.exit_code != 0
        return self._policy == "Always" or (self._policy == "OnFailure" and failed)

    async def _run_once(self, run: ContainerRun, *, is_init: bool) -> Terminated:
        await self._pull(run)
        prepared = await self._prepared(run)
        if not is_init and fault_of(self._pod) is Fault.START_ERROR:
            launch = replace(prepared.launch, argv=[MISSING_PROGRAM])
            prepared = replace(prepared, launch=launch)
        run.start(prepared, self._ports, is_init=is_init)
        return await run.ended()

    async def _back_off(self, run: ContainerRun, state: Terminated, backoff: Backoff) -> None:
        ran_seconds = (state.finished_at - state.started_at).total_seconds()
        if seconds := backoff.next(ran_seconds=ran_seconds):
            metadata = self._pod["metadata"]
            pod = f"{metadata['name']}_{metadata['namespace']}({metadata['uid']})"
            what = f"restarting failed container={run.name} pod={pod}"
            run.tell("Warning", "BackOff", f"Back-off {what}")
            run.wait_for("CrashLoopBackOff", f"back-off {seconds:.0f}s {what}")
            await asyncio.sleep(seconds)

    async def _pull(self, run: ContainerRun) -> None:
        image, backoff = run.spec.get("image", ""), Backoff()
        while error := pull_error(image):
            run.tell("Warning", "Failed", f'Failed to pull image "{image}": {error}')
            run.tell("Warning", "Failed", "Error: ErrImagePull")
            run.wait_for("ErrImagePull", error)
            await asyncio.sleep(backoff.next() or PULL_RETRY)
            why = f'Back-off pulling image "{image}"'
            run.tell("Normal", "BackOff", why)
            run.wait_for("ImagePullBackOff", f"{why}: ErrImagePull: {error}")
            await asyncio.sleep(PULL_RETRY)
        run.tell("Normal", "Pulled", f'Container image "{image}" already present on machine')

    async def _prepared(self, run: ContainerRun) -> Prepared:
        while True:
            changed = self._services.references.next()
            try:
                return prepare(self._pod, run.spec, self._volumes, self._ports, self._services)
            except ConfigError as error:
                run.tell("Warning", "Failed", f"Error: {error}")
                run.wait_for("CreateContainerConfigError", str(error))
            await changed.wait()


async def _any_of(
    ends: Iterable[Awaitable[object]], changed: asyncio.Event, seconds: float
) -> None:
    """Wait for an end or a change, at most so long."""
    tasks = [asyncio.ensure_future(end) for end in ends]
    tasks.append(asyncio.create_task(changed.wait()))
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
