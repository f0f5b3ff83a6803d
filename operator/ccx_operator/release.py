"""`ccx-operator --release-finalizers`: for an uninstall, when no operator will do it any more.

list -> our finalizer taken off each -> done. Processes are not ended by this: that is what the
deletion of an execution does to its pod.
"""

import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final, Protocol

from ccx_api.names import FINALIZER
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_kube.errors import ApiError
from ccx_kube.executions import Executions
from ccx_kube.session import KubeSession

log = logging.getLogger(__name__)

TRIES: Final = 5
"""Of one execution that somebody else keeps changing."""


class HoldsExecutions(Protocol):
    def listed(self, namespace: str | None = None) -> AsyncGenerator[ClaudeExecution, None]: ...
    async def get(self, namespace: str, name: str) -> ClaudeExecution: ...
    async def set_finalizers(
        self, execution: ClaudeExecution, finalizers: Sequence[str]
    ) -> ClaudeExecution: ...


async def release(namespaces: Sequence[str]) -> int:
    """Of all namespaces if none is given. How many were held."""
    async with await KubeSession.from_environment() as session:
        return await release_all(Executions(session), namespaces)


async def release_all(executions: HoldsExecutions, namespaces: Sequence[str]) -> int:
    held = 0
    for namespace in namespaces or (None,):
        async with aclosing(executions.listed(namespace)) as listed:
            async for execution in listed:
                if FINALIZER in execution.metadata.finalizers:
                    await _release(executions, execution)
                    held += 1
    log.info("%d executions were held by the finalizer, and are no more", held)
    return held


async def _release(executions: HoldsExecutions, execution: ClaudeExecution) -> None:
    """That it has gone is success."""
    metadata = execution.metadata
    for tries_left in reversed(range(TRIES)):
        others = [name for name in execution.metadata.finalizers if name != FINALIZER]
        try:
            await executions.set_finalizers(execution, others)
            return
        except ApiError as exc:
            if exc.is_not_found:
                return
            if not exc.is_conflict or not tries_left:
                raise
        try:
            execution = await executions.get(metadata.namespace, metadata.name)
        except ApiError as exc:
            if exc.is_not_found:
                return
            raise
