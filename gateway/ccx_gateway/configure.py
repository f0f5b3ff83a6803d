"""configure: change what of a spec may change while it runs, and say what came of it.

patch -> its generation -> status.observedGeneration
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway.errors import ExecutionFinished, SignalNotDelivered
from ccx_gateway.watcher import Watcher, is_over
from ccx_kube.executions import Executions

OPERATOR_SECONDS: Final = 20.0
"""How long the operator may take to say that it has heard of it."""

AFTER_THE_END: Final = frozenset({"ttlSecondsAfterFinished"})
"""What still means something then."""


class Configuring:
    def __init__(
        self, executions: Executions, watcher: Watcher, *, seconds: float = OPERATOR_SECONDS
    ) -> None:
        self._executions, self._watcher, self._seconds = executions, watcher, seconds

    async def change(self, namespace: str, name: str, wanted: Mapping[str, Any]) -> ClaudeExecution:
        """Return when the operator speaks of it, and its runner has been told. SignalNotDelivered:
        it is wished, and nobody has said so yet.
        """
        execution = await self._executions.get(namespace, name)
        if is_over(execution) and not wanted.keys() <= AFTER_THE_END:
            status = execution.status
            told = f"{status.phase}/{status.reason}"
            raise ExecutionFinished(f"execution {namespace}/{name} is over: {told}")
        wished = await self._executions.patch_spec(namespace, name, wanted)
        heard = partial(_is_heard, wished.metadata.generation)
        try:
            async with asyncio.timeout(self._seconds):
                return await self._watcher.until(wished, heard)
        except TimeoutError:
            fields = ", ".join(sorted(wanted))
            text = f"{fields}: recorded, but the operator has not spoken of it yet"
            raise SignalNotDelivered(text) from None


def _is_heard(generation: int, execution: ClaudeExecution) -> bool:
    return is_over(execution) or execution.status.observed_generation >= generation
