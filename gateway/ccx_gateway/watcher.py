"""Wait for what the operator says of one execution. Level-triggered: a look, then a watch from it.

get -> wanted? -> watch -> wanted? -> ... -> get
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Final

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway.errors import ExecutionNotFound
from ccx_kube.errors import ApiError
from ccx_kube.executions import Executions

RETRY_SECONDS: Final = 1.0
"""Between looks while the API server does not answer as it should."""

_FOR_GOOD: Final = (400, 401, 403)

Wanted = Callable[[ClaudeExecution], bool]


class Watcher:
    def __init__(self, executions: Executions) -> None:
        self._executions = executions

    async def until(self, execution: ClaudeExecution, wanted: Wanted) -> ClaudeExecution:
        """The first state that is wanted. ExecutionNotFound once it is deleted.

        It outlasts an API server that is away; whoever cannot wait that long sets a timeout.
        """
        while True:
            try:
                found = await self._look(execution, wanted)
            except ApiError as exc:
                if exc.is_not_found:
                    raise _gone(execution) from None
                if exc.status in _FOR_GOOD:
                    raise
                if exc.status != 410:  # too old a watch: look again at once
                    await asyncio.sleep(RETRY_SECONDS)
                continue
            if found is not None:
                return found

    async def _look(self, execution: ClaudeExecution, wanted: Wanted) -> ClaudeExecution | None:
        """None when the watch ended before."""
        metadata = execution.metadata
        now = await self._executions.get(metadata.namespace, metadata.name)
        if now.metadata.uid != metadata.uid:
            raise _gone(execution)
        if wanted(now):
            return now
        states = self._executions.watch(
            metadata.namespace, metadata.name, now.metadata.resource_version
        )
        async with aclosing(states):
            async for state in states:
                if state is None or state.metadata.uid != metadata.uid:
                    raise _gone(execution)
                if wanted(state):
                    return state
        return None


def has_pod(execution: ClaudeExecution) -> bool:
    return execution.status.pod_name is not None or is_over(execution)


def has_process(execution: ClaudeExecution) -> bool:
    process = execution.status.process
    return (process is not None and process.pid is not None) or is_over(execution)


def is_over(execution: ClaudeExecution) -> bool:
    return execution.status.phase.is_terminal


def _gone(execution: ClaudeExecution) -> ExecutionNotFound:
    metadata = execution.metadata
    return ExecutionNotFound(f"execution {metadata.namespace}/{metadata.name} has been deleted")
