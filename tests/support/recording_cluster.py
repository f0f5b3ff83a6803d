"""A cluster that remembers what was asked of it, and answers as an API server would."""

from collections import Counter, deque
from dataclasses import replace
from typing import Any

from ccx_api.names import ANNOTATION_STARTED_AS, FINALIZER
from ccx_api.snapshot import Snapshot
from ccx_api.status import ExecutionStatus
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.actions import (
    Action,
    AddFinalizer,
    CreatePod,
    DeletePod,
    Deliver,
    Look,
    RecordUsage,
    RemoveFinalizer,
    SetFirstWish,
)
from ccx_operator.controller import ConflictError
from ccx_operator.facts import PodFacts
from ccx_operator.outcomes import (
    Heard,
    ObjectGone,
    Outcome,
    PodGoing,
    PodGone,
    PodSeen,
    Unanswered,
    UsageAsked,
    Written,
)

NO_WRITES = ("Look", "ConfirmPod", "RecordUsage")


class RecordingCluster:
    def __init__(self, execution: ClaudeExecution) -> None:
        self.execution: ClaudeExecution | None = execution
        self.pod: PodFacts | None = None
        self.snapshot: Snapshot | None = None
        self.new_pod: PodFacts | None = None
        self.errors: deque[Exception] = deque()
        """Raised by the next calls, one each."""

        self.calls: list[str] = []
        self.events: list[dict[str, Any]] = []

    @property
    def writes(self) -> Counter[str]:
        return Counter(call for call in self.calls if call not in NO_WRITES)

    async def carry_out(self, action: Action, execution: ClaudeExecution) -> Outcome:
        self._call(type(action).__name__)
        match action:
            case AddFinalizer():
                return self._finalizers(execution, (FINALIZER,))
            case RemoveFinalizer():
                return self._finalizers(execution, ())
            case RecordUsage():
                return UsageAsked()
            case CreatePod():
                self.pod = self.pod or self.new_pod
                return PodSeen(self.pod) if self.pod else PodGone()
            case DeletePod():
                return PodGoing()
            case SetFirstWish() if self.pod:
                self.pod = replace(self.pod, generation=execution.metadata.generation)
                return PodSeen(self.pod)
            case Look() | Deliver():
                return Heard(self.snapshot) if self.snapshot else Unanswered("no runner")
            case _:
                return PodSeen(self.pod) if self.pod else PodGone()

    async def patch_status(
        self, execution: ClaudeExecution, status: ExecutionStatus
    ) -> ClaudeExecution | None:
        self._call("patch_status")
        return self._write(execution, {"status": status})

    async def read(self, execution: ClaudeExecution) -> ClaudeExecution | None:
        return self.execution

    def tell(self, namespace: str, event: dict[str, Any]) -> None:
        self.events.append(event)

    def change(self, **update: Any) -> ClaudeExecution:
        """As somebody else does."""
        assert self.execution is not None
        return self._save(self.execution.model_copy(update=update))

    def _call(self, name: str) -> None:
        self.calls.append(name)
        if self.errors:
            raise self.errors.popleft()

    def _finalizers(self, execution: ClaudeExecution, finalizers: tuple[str, ...]) -> Outcome:
        update: dict[str, Any] = {"finalizers": finalizers}
        if finalizers:
            update["annotations"] = {ANNOTATION_STARTED_AS: execution.metadata.uid}
        metadata = execution.metadata.model_copy(update=update)
        written = self._write(execution, {"metadata": metadata})
        return Written(written) if written else ObjectGone()

    def _write(self, based_on: ClaudeExecution, update: dict[str, Any]) -> ClaudeExecution | None:
        if self.execution is None:
            return None
        if based_on.metadata.resource_version != self.execution.metadata.resource_version:
            raise ConflictError
        return self._save(self.execution.model_copy(update=update))

    def _save(self, execution: ClaudeExecution) -> ClaudeExecution:
        version = str(int(execution.metadata.resource_version) + 1)
        metadata = execution.metadata.model_copy(update={"resource_version": version})
        self.execution = execution.model_copy(update={"metadata": metadata})
        return self.execution


class NoMeter:
    def reconciled(self, result: str, seconds: float) -> None:
        pass

    def acted(self, action: str) -> None:
        pass

    def moved(self, execution: ClaudeExecution, status: ExecutionStatus) -> None:
        pass

    def usage_recorded(self, executions: int) -> None:
        pass

    def usage_lost(self, executions: int) -> None:
        pass
