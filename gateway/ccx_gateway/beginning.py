"""The process of an execution's newest attempt, as soon as anybody tells of it.

runner link -> first snapshot with a pid ─┬─> Process
operator    -> status.process            ─┘
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway.errors import ExecutionFinished
from ccx_gateway.open_links import OpenLinks
from ccx_gateway.place import attempt_of
from ccx_gateway.watcher import Watcher, has_process


@dataclass(frozen=True, slots=True)
class Process:
    attempt: int
    pod: str | None
    pid: int | None
    pgid: int | None


class Beginning:
    def __init__(self, watcher: Watcher, links: OpenLinks) -> None:
        self._watcher, self._links = watcher, links

    async def of(self, placed: ClaudeExecution) -> Process:
        """`placed` has a pod or is over. The process may be that of a later attempt, where this
        one never had any. ExecutionFinished if there is none at all.

        It may take as long as a pod may wait: whoever cannot wait that long sets a timeout.
        """
        pod = placed.status.pod_name
        if pod is None or placed.status.phase.is_terminal:
            return await self._by_status(placed)
        return await _first_of(self._by_link(placed, pod), self._by_status(placed))

    async def _by_link(self, placed: ClaudeExecution, pod: str) -> Process:
        """Of a pod to whose output somebody listens."""
        told = await self._links.first(placed.metadata.namespace, pod)
        return Process(attempt_of(placed), pod, told.pid, told.pgid)

    async def _by_status(self, placed: ClaudeExecution) -> Process:
        now = await self._watcher.until(placed, has_process)
        status, process = now.status, now.status.process
        if process is None or process.pid is None:
            text = f"{status.reason}: {status.message}" if status.message else status.reason
            raise ExecutionFinished(text)
        return Process(attempt_of(now), status.pod_name, process.pid, process.pgid)


async def _first_of(*ways: Coroutine[Any, Any, Process]) -> Process:
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
