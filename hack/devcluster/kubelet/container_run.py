"""One container of a pod over all its restarts: what it does now, and its last words.

wait_for() / start() -> ContainerProcess -> Running -> ready or not -> Terminated -> on_change
"""

import asyncio
import hashlib
import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from devcluster.history import Object
from devcluster.kubelet.container_process import ContainerProcess, Ended, StartError
from devcluster.kubelet.container_state import (
    ContainerFacts,
    Running,
    State,
    Terminated,
    Waiting,
    exit_code_of,
    reason_of,
)
from devcluster.kubelet.images import image_id
from devcluster.kubelet.launch import Prepared
from devcluster.kubelet.log_file import ContainerLog
from devcluster.kubelet.probe import ReadinessProbe
from devcluster.kubelet.termination import message_of, read_tail

START_ERROR = 128
Tell = Callable[[str, str, str], None]
"""(Normal or Warning, reason, message): an Event about this container."""


class ContainerRun:
    def __init__(
        self, spec: Object, logs: Path, *, share: int, on_change: Callable[[], None], tell: Tell
    ) -> None:
        """`share`: among how many containers the pod's termination messages are shared."""
        self.spec, self.name = spec, str(spec["name"])
        self.state: State = Waiting("ContainerCreating")
        self.last_state: Terminated | None = None
        self.restarts = 0
        self.process: ContainerProcess | None = None
        self.prepared: Prepared | None = None
        self.log: ContainerLog | None = None
        self._logs, self._share = logs, share
        self._on_change, self.tell = on_change, tell
        self._ready = False
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._killed_because: str | None = None

    @property
    def is_alive(self) -> bool:
        return self._task is not None and not self._task.done()

    @property
    def log_path(self) -> Path:
        return self._logs / f"{self.restarts}.log"

    def facts(self) -> ContainerFacts:
        ran = not isinstance(self.state, Waiting) or self.last_state is not None
        return ContainerFacts(
            name=self.name,
            image=self.spec.get("image", ""),
            state=self.state,
            last_state=self.last_state,
            ready=self._ready,
            restarts=self.restarts,
            container_id=self._id() if ran else "",
            image_id=image_id(self.spec.get("image", "")) if ran else "",
        )

    def wait_for(self, reason: str, message: str = "") -> None:
        """Not running, and why."""
        if isinstance(self.state, Terminated):
            self.last_state = self.state
        self._set(Waiting(reason, message))

    def restore(self, status: Object) -> None:
        """After a restart of the node: what ran then is gone, and how it ended is not known."""
        self.restarts = status.get("restartCount", 0)
        state = status.get("state") or {}
        if (ended := state.get("terminated")) is not None:
            self.state = Terminated(
                ended["exitCode"],
                ended["reason"],
                datetime.fromisoformat(ended["startedAt"]),
                datetime.fromisoformat(ended["finishedAt"]),
                ended.get("message", ""),
                self._id(),
            )
        elif "running" in state:
            self.state = Terminated(
                137,
                "ContainerStatusUnknown",
                message="The container could not be located when the pod was terminated",
            )

    def start(self, prepared: Prepared, ports: Mapping[int, int], *, is_init: bool) -> None:
        if isinstance(self.state, Terminated):
            self.last_state = self.state
        if self._task is not None or self.last_state is not None:
            self.restarts += 1
        self.prepared, self._killed_because = prepared, None
        self._task = asyncio.create_task(self._run(prepared, ports, is_init))

    async def ended(self) -> Terminated:
        """Wait for the end of what start() has started; no process of it is left then."""
        assert self._task is not None
        await asyncio.shield(self._task)
        assert isinstance(self.state, Terminated)
        return self.state

    def terminate(self) -> None:
        """TERM to the main process, or as soon as there is one."""
        self._stopping = True
        if self.process is not None:
            self.process.signal(signal.SIGTERM)

    def kill(self, because: str | None = None) -> None:
        """KILL to every process. `because` is the reason that the status will give."""
        self._stopping = True
        if self.process is not None and self.is_alive:
            self._killed_because = because or self._killed_because
            self.process.kill()

    async def _run(self, prepared: Prepared, ports: Mapping[int, int], is_init: bool) -> None:
        self.log = ContainerLog(self.log_path)
        self.tell("Normal", "Created", f"Created container: {self.name}")
        try:
            self.process = await ContainerProcess.start(prepared.launch, self.log)
        except StartError as error:
            self.tell("Warning", "Failed", f"Error: {error}")
            now = datetime.now(UTC)
            self._set(Terminated(START_ERROR, "StartError", finished_at=now, message=str(error)))
            return
        finally:
            self._close_unused_log()
        if self._stopping:
            self.process.signal(signal.SIGTERM)
        self.tell("Normal", "Started", f"Started container {self.name}")
        probe = None if is_init else self.spec.get("readinessProbe")
        self._ready = not is_init and probe is None
        self._set(Running(self.process.started_at))
        ended = await self._until_ended(self.process, probe, ports)
        self._has_ended(ended, prepared, is_init)

    def _close_unused_log(self) -> None:
        if self.process is None and self.log is not None:
            self.log.close()

    async def _until_ended(
        self, process: ContainerProcess, probe: Object | None, ports: Mapping[int, int]
    ) -> Ended:
        if probe is None:
            return await process.wait()
        readiness = ReadinessProbe(probe, self.spec, ports)
        probing = asyncio.create_task(readiness.run(self._became_ready, self._unhealthy))
        try:
            return await process.wait()
        finally:
            probing.cancel()
            await asyncio.gather(probing, return_exceptions=True)

    def _has_ended(self, ended: Ended, prepared: Prepared, is_init: bool) -> None:
        process, self.process = self.process, None
        assert process is not None
        code = exit_code_of(ended.code)
        because = self._killed_because if ended.code == -signal.SIGKILL else None
        self._ready = is_init and code == 0
        self._set(
            Terminated(
                code,
                because or reason_of(code),
                process.started_at,
                ended.at,
                message_of(read_tail(prepared.termination_log), self._share),
                self._id(),
            )
        )

    def _became_ready(self, ready: bool) -> None:
        if ready != self._ready and self.process is not None:
            self._ready = ready
            self._on_change()

    def _unhealthy(self, message: str) -> None:
        self.tell("Warning", "Unhealthy", message)

    def _set(self, state: State) -> None:
        if isinstance(state, Waiting):
            self._ready = False
        self.state = state
        self._on_change()

    def _id(self) -> str:
        digest = hashlib.sha256(f"{self._logs}/{self.restarts}".encode()).hexdigest()
        return f"devcluster://{digest}"
