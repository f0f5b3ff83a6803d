"""PAUSE, RESUME and CANCEL: the intent first, then the act, and an answer that has the proof.

patch spec.desiredState -> its generation -> runner link -> proof
                                          └> no link, no answer: the operator's status
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution, DesiredState
from ccx_api.wish import Wish
from ccx_gateway.errors import ExecutionFinished, SignalNotDelivered
from ccx_gateway.give_way import GiveWay
from ccx_gateway.open_links import OpenLinks
from ccx_gateway.params import ControlType
from ccx_gateway.watcher import Watcher, is_over
from ccx_kube.errors import KubeError
from ccx_kube.executions import Executions

log = logging.getLogger(__name__)

STATUS_SECONDS: Final = 20.0
"""How long the operator may take to carry a wish out where the gateway could not."""

WISHES: Final = {
    ControlType.PAUSE: DesiredState.PAUSED,
    ControlType.RESUME: DesiredState.RUNNING,
    ControlType.CANCEL: DesiredState.CANCELLED,
}
DONE: Final = {
    ControlType.PAUSE: "paused",
    ControlType.RESUME: "resumed",
    ControlType.CANCEL: "canceled",  # with one l, as on the original's wire
}


@dataclass(frozen=True, slots=True)
class Proof:
    pid: int | None = None
    pgid: int | None = None
    processes_stopped: int | None = None
    latency_millis: int | None = None
    """In the runner, from the receipt of the wish to the proof."""


class Control:
    def __init__(
        self,
        executions: Executions,
        watcher: Watcher,
        links: OpenLinks,
        *,
        way: GiveWay | None = None,
        status_seconds: float = STATUS_SECONDS,
    ) -> None:
        self._executions, self._watcher, self._links = executions, watcher, links
        self._way = way or GiveWay()
        self._status_seconds = status_seconds

    async def carry_out(self, execution: ClaudeExecution, wanted: ControlType) -> Proof:
        """Return when it is done. SignalNotDelivered: it is wished, and not yet done."""
        if is_over(execution):
            raise _finished(execution)
        with self._way.first():
            return await self._carry_out(execution, wanted)

    async def _carry_out(self, execution: ClaudeExecution, wanted: ControlType) -> Proof:
        metadata = execution.metadata
        wished = await self._executions.patch_spec(
            metadata.namespace, metadata.name, {"desiredState": WISHES[wanted].value}
        )
        pod, why = wished.status.pod_name, "it has no pod yet"
        if pod is not None:
            try:
                return await self._over_link(wished, pod)
            except KubeError as exc:
                why = str(exc)
                log.info("%s goes by the operator: %s", wanted.value, why)
        return await self._by_operator(wished, wanted, why)

    async def _over_link(self, wished: ClaudeExecution, pod: str) -> Proof:
        namespace = wished.metadata.namespace
        told = await self._links.deliver(namespace, pod, Wish.of(wished))
        if told.control is None:
            return Proof(told.pid, told.pgid)
        stopped, millis = told.control.processes_stopped, round(told.control.millis)
        return Proof(told.pid, told.pgid, stopped, millis)

    async def _by_operator(self, wished: ClaudeExecution, wanted: ControlType, why: str) -> Proof:
        generation = wished.metadata.generation
        try:
            async with asyncio.timeout(self._status_seconds):
                now = await self._watcher.until(
                    wished, lambda found: is_carried_out(found, wanted, generation)
                )
        except TimeoutError:
            raise SignalNotDelivered(
                f"{wanted.value} is recorded and will be carried out, but is not yet: {why}"
            ) from None
        if is_over(now) and wanted is not ControlType.CANCEL:
            raise _finished(now)
        return _proof_of(now)


def is_carried_out(execution: ClaudeExecution, wanted: ControlType, generation: int) -> bool:
    """As far as the status tells: of this generation or a later one."""
    status = execution.status
    if status.phase.is_terminal:
        return True
    if status.observed_generation < generation:
        return False
    match wanted:
        case ControlType.PAUSE:
            return status.phase is Phase.PAUSED
        case ControlType.RESUME:
            return status.phase is not Phase.PAUSED
        case ControlType.CANCEL:
            return False


def _proof_of(execution: ClaudeExecution) -> Proof:
    process, control = execution.status.process, execution.status.control
    pid, pgid = (process.pid, process.pgid) if process is not None else (None, None)
    if control is None:
        return Proof(pid, pgid)
    return Proof(pid, pgid, control.processes_stopped, control.latency_millis)


def _finished(execution: ClaudeExecution) -> ExecutionFinished:
    metadata, status = execution.metadata, execution.status
    return ExecutionFinished(
        f"execution {metadata.namespace}/{metadata.name} is over: {status.phase}/{status.reason}"
    )
