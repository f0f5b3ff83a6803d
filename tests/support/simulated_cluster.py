"""A small pure model of API server, node and runner: events in any order, late and twice.

users, node -> the objects -> a watch for each operator -> (late, twice) -> its store
an operator's calls -> the objects; any of them may fail before or after its effect
"""

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from ccx_api.names import FINALIZER
from ccx_api.snapshot import EndedBy, Snapshot
from ccx_api.status import ExecutionStatus
from ccx_api.v1alpha1 import ClaudeExecution, DesiredState
from ccx_operator.actions import (
    Action,
    AddFinalizer,
    ConfirmPod,
    CreatePod,
    DeletePod,
    Deliver,
    Look,
    RemoveFinalizer,
    Verb,
)
from ccx_operator.controller import ConflictError
from ccx_operator.facts import AgentFacts, PodFacts
from ccx_operator.outcomes import (
    Heard,
    ObjectGone,
    Outcome,
    PodGoing,
    PodGone,
    PodSeen,
    Unanswered,
    Written,
)
from support.reconciling import NOW, an_execution

SESSION = {"id": "s", "gateway": "g"}

Fault = tuple[Literal["before", "after"], str]
"""When, and in which call; an empty name is any."""

Event = ClaudeExecution | PodFacts | tuple[Literal["deleted"], ClaudeExecution | PodFacts]


@dataclass(slots=True)
class Runner:
    """As the contract has it: wishes are fenced by generation, a cancel is final."""

    generation: int
    state: Literal["Running", "Paused", "Ending", "Ended"] = "Running"
    exit_code: int | None = None
    ended_by: EndedBy | None = None
    cancelled: bool = False

    def apply(self, verb: Verb, generation: int) -> None:
        if self.state in ("Ending", "Ended"):
            return
        if verb is Verb.CANCEL:
            self.state, self.ended_by, self.cancelled = "Ending", "Cancel", True
        elif generation >= self.generation:
            self.generation = generation
            self.state = "Paused" if verb is Verb.PAUSE else "Running"

    def snapshot(self) -> Snapshot:
        return Snapshot(
            v=1,
            state=self.state,
            generation=self.generation,
            started_at=NOW.timestamp(),
            exit_code=self.exit_code,
            ended_by=self.ended_by,
        )


@dataclass(slots=True)
class World:
    execution: ClaudeExecution | None = field(
        default_factory=lambda: an_execution(command=["work"], finalizer=False, session=SESSION)
    )
    pod: PodFacts | None = None
    runner: Runner | None = None
    now: datetime = NOW
    version: int = 10
    link_is_up: bool = True
    watches: list[deque[Event]] = field(default_factory=list)
    """Of each operator: what it has not been told yet."""

    told: list[Event] = field(default_factory=list)
    """Whatever was ever pending: an event may come again, long after."""

    faults: deque[Fault] = field(default_factory=deque)
    interruption: Callable[[], Awaitable[None]] | None = None
    """What another operator does before the next call is carried out."""

    pods_made: int = 0
    broken: list[str] = field(default_factory=list)
    """What must never happen, and did."""

    # Users

    def wish(self, *, deleted: bool = False, **spec: object) -> None:
        execution = self.execution
        if execution is None or (
            execution.spec.desired_state is DesiredState.CANCELLED and "desired_state" in spec
        ):
            return  # Cancelled is final by CEL
        metadata = execution.metadata
        update: dict[str, Any] = {"generation": metadata.generation + 1}
        if deleted:
            update["deletion_timestamp"] = metadata.deletion_timestamp or self.now
        self._save(
            execution.model_copy(
                update={
                    "spec": execution.spec.model_copy(update=spec),
                    "metadata": metadata.model_copy(update=update),
                }
            )
        )

    @property
    def wants_cancel(self) -> bool:
        return self.execution is not None and (
            self.execution.spec.desired_state is DesiredState.CANCELLED
            or self.execution.status.reason == "SessionClosed"
            or self.execution.metadata.deletion_timestamp is not None
        )

    # The node

    def start(self) -> None:
        pod = self.pod
        if pod is None or pod.started or self.execution is None:
            return
        paused = self._first_wish is DesiredState.PAUSED
        self.runner = Runner(pod.generation, "Paused" if paused else "Running")
        if pod.terminating:  # the kubelet was quicker than the deletion
            self.runner.state, self.runner.ended_by = "Ending", "Outside"
        self._change(phase="Running", agent=AgentFacts(running_since=self.now))

    def probe(self) -> None:
        if self.pod is not None and self.runner is not None and not self.pod.over:
            self._change(ready=self.runner.state == "Running", unreachable_since=None)

    def end(self, exit_code: int, *, drains: bool = False) -> None:
        """`drains`: a reader is behind, so the container goes on until settle()."""
        if self.runner is not None and self.runner.state == "Running":
            self.runner.state, self.runner.exit_code = "Ended", exit_code
            if not drains:
                self.settle()

    def settle(self) -> None:
        """An ending process ends, and its container with it."""
        pod, runner = self.pod, self.runner
        if pod is None or runner is None or pod.over or runner.state not in ("Ending", "Ended"):
            return
        code = runner.exit_code = 143 if runner.exit_code is None else runner.exit_code
        runner.state = "Ended"
        words = AgentFacts(exit_code=code, finished_at=self.now, last_words=runner.snapshot())
        self._change(phase="Succeeded" if code == 0 else "Failed", ready=False, agent=words)

    def die(self, **facts: Any) -> None:
        """Without last words of the end: OOM of everything, eviction."""
        if self.pod is not None and self.pod.started and not self.pod.over:
            self.runner = None
            self._change(phase="Failed", ready=False, **facts)

    def unreachable(self) -> None:
        if self.pod is not None and self.pod.started and not self.pod.over:
            self._change(ready=False, unreachable_since=self.now)

    def delete_pod(self) -> None:
        if self.pod is None or self.pod.terminating:
            return
        self._change(gone_by=self.now + timedelta(seconds=30))
        if self.runner is not None and self.runner.state in ("Running", "Paused"):
            self.runner.state, self.runner.ended_by = "Ending", "Outside"

    def reap(self) -> None:
        """A deleted pod that is over goes; one that never started, at once."""
        self.settle()
        if self.pod is not None and self.pod.terminating and (self.pod.over or not self.runner):
            self.vanish()

    def vanish(self) -> None:
        """A pod that goes before a status names it leaves no trace: another may be made."""
        if self.pod is not None:
            named = self.execution is not None and self.execution.status.pod_uid == self.pod.uid
            self.pods_made -= not named
            self._tell(("deleted", self.pod))
            self.pod = self.runner = None

    # The operator's calls

    async def carry_out(self, action: Action, execution: ClaudeExecution) -> Outcome:
        call = type(action).__name__
        await self._interrupt()
        self._fail("before", call)
        outcome = self._answer(action, execution)
        self._fail("after", call)
        return outcome

    async def patch_status(
        self, execution: ClaudeExecution, status: ExecutionStatus
    ) -> ClaudeExecution | None:
        await self._interrupt()
        self._fail("before", "patch_status")
        before = self.execution.status if self.execution else None
        written = self._write(execution, {"status": status})
        if before is not None and before.phase.is_terminal and before != status:
            self.broken.append(f"left {before.phase} for {status.phase}")
        closed = before is not None and before.reason == "SessionClosed"
        if closed and status.reason != "SessionClosed":
            self.broken.append(f"forgot the closed session for {status.reason}")
        self._fail("after", "patch_status")
        return written

    async def read(self, execution: ClaudeExecution) -> ClaudeExecution | None:
        return self.execution

    async def post_event(self, namespace: str, body: dict[str, Any]) -> None:
        pass

    def _answer(self, action: Action, execution: ClaudeExecution) -> Outcome:
        match action:
            case AddFinalizer() | RemoveFinalizer():
                names = (FINALIZER,) if isinstance(action, AddFinalizer) else ()
                metadata = execution.metadata.model_copy(update={"finalizers": names})
                written = self._write(execution, {"metadata": metadata})
                self._collect()
                return Written(written) if written is not None else ObjectGone()
            case CreatePod(name):
                return self._create(name, execution)
            case DeletePod():
                self.delete_pod()
                return PodGoing()
            case ConfirmPod():
                return PodSeen(self.pod) if self.pod is not None else PodGone()
            case Look() | Deliver():
                return self._ask(action)

    def _ask(self, action: Look | Deliver) -> Outcome:
        if not self.link_is_up or self.runner is None or self.pod is None or self.pod.over:
            return Unanswered("no link")
        if isinstance(action, Deliver):
            self.runner.apply(action.verb, action.wish.generation)
        return Heard(self.runner.snapshot())

    def _create(self, name: str, execution: ClaudeExecution) -> Outcome:
        if self.pod is None:
            truth = self.execution or execution
            if self.pods_made and truth.status.reason != "Suspended":
                self.broken.append("a second pod")
            self.pods_made += 1
            self._first_wish = execution.spec.desired_state
            self.pod = PodFacts(
                name,
                f"pod-{self._next()}",
                owner_uid=execution.metadata.uid,
                version=self._next(),
                created_at=self.now,
                generation=execution.metadata.generation,
            )
            self._tell(self.pod)
        return PodSeen(self.pod)

    _first_wish: DesiredState = DesiredState.RUNNING

    async def _interrupt(self) -> None:
        interruption, self.interruption = self.interruption, None
        if interruption is not None:
            await interruption()

    def _fail(self, when: Literal["before", "after"], call: str) -> None:
        if self.faults and self.faults[0] in ((when, call), (when, "")):
            self.faults.popleft()
            raise ConnectionError(when)

    def _write(self, based_on: ClaudeExecution, update: dict[str, Any]) -> ClaudeExecution | None:
        if self.execution is None:
            return None
        if based_on.metadata.resource_version != self.execution.metadata.resource_version:
            raise ConflictError
        return self._save(self.execution.model_copy(update=update))

    def _save(self, execution: ClaudeExecution) -> ClaudeExecution:
        version = {"resource_version": str(self._next())}
        metadata = execution.metadata.model_copy(update=version)
        self.execution = execution.model_copy(update={"metadata": metadata})
        self._tell(self.execution)
        saved = self.execution
        self._collect()
        return saved

    def _collect(self) -> None:
        execution = self.execution
        if execution is None or execution.metadata.deletion_timestamp is None:
            return
        if not execution.metadata.finalizers:
            self._tell(("deleted", execution))
            self.execution = None
            self.delete_pod()

    def _change(self, **facts: Any) -> None:
        assert self.pod is not None
        self.pod = replace(self.pod, version=self._next(), **facts)
        self._tell(self.pod)

    def _tell(self, event: Event) -> None:
        for watch in self.watches:
            watch.append(event)
        self.told.append(event)

    def _next(self) -> int:
        self.version += 1
        return self.version
