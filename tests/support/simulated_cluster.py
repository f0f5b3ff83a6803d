"""A small pure model of API server, node and runner: events in any order, late and twice.

users, node -> the objects -> a watch for each operator -> (late, twice) -> its store
an operator's calls -> the objects; any of them may fail before or after its effect
"""

import copy
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from ccx_api.names import ANNOTATION_STARTED_AS, FINALIZER
from ccx_api.snapshot import EndedBy, Snapshot
from ccx_api.status import ExecutionStatus
from ccx_api.v1alpha1 import ClaudeExecution, DesiredState
from ccx_kube.errors import ApiError
from ccx_operator.actions import (
    Action,
    AddFinalizer,
    ConfirmPod,
    CreatePod,
    DeletePod,
    Deliver,
    Look,
    RecordUsage,
    RemoveFinalizer,
    SetFirstWish,
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
    PodUnsure,
    Unanswered,
    UsageAsked,
    Written,
)
from ccx_operator.usage_tally import read
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


def some_work(**spec: Any) -> ClaudeExecution:
    return an_execution(command=["work"], finalizer=False, session=SESSION, **spec)


@dataclass(slots=True)
class World:
    execution: ClaudeExecution | None = field(default_factory=some_work)
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
    last: ClaudeExecution | None = None
    """What the object was when it went."""

    record: dict[str, Any] | None = None
    """Its namespace's ConfigMap."""

    lost: int = 0
    """Usage that its recorders have given up."""

    made: set[str] = field(default_factory=set)
    """The names of all pods that there ever were."""

    named: set[str] = field(default_factory=set)
    """Those that a status has told of."""

    gone: dict[str, PodFacts] = field(default_factory=dict)
    """Those that are gone, at the version of their end."""

    interruption: Callable[[], Awaitable[None]] | None = None
    """What another operator does before the next call is carried out."""

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
        self.runner = Runner(self._first_generation, "Paused" if paused else "Running")
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

    def forget(self) -> None:
        """With an operator's memory: that a pod has come and gone which no status tells of cannot
        be known where the execution has been written since.
        """
        if self.execution is not None:
            version = int(self.execution.metadata.resource_version)
            older = {name for name, pod in self.gone.items() if pod.version < version}
            self.made -= older - self.named

    def vanish(self) -> None:
        """The server remembers for a while that there was one."""
        if self.pod is not None:
            self.gone[self.pod.name] = replace(self.pod, version=self._next())
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

    async def create_pod(self, action: CreatePod, execution: ClaudeExecution) -> Outcome:
        """Who gets no answer knows neither whether it was made."""
        try:
            return await self.carry_out(action, execution)
        except ConnectionError:
            return PodUnsure(execution.metadata.resource_version)

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
        if before is not None:
            self._count(before, status)
        if written is not None and status.pod_name is not None:
            self.named.add(status.pod_name)
        self._fail("after", "patch_status")
        return written

    def _count(self, before: ExecutionStatus, status: ExecutionStatus) -> None:
        more = (status.attempts or 1) - (before.attempts or 1)
        if more not in (0, 1):
            self.broken.append(f"{status.attempts} attempts after {before.attempts}")
        if more and self.pod is not None:
            self.broken.append(f"attempt {status.attempts} beside {self.pod.name}")
        retries = status.ended_attempts.retries if status.ended_attempts else 0
        if self.execution is not None and retries > self.execution.spec.backoff_limit:
            self.broken.append(f"{retries} retries")

    async def read(self, execution: ClaudeExecution) -> ClaudeExecution | None:
        return self.execution

    def tell(self, namespace: str, event: dict[str, Any]) -> None:
        pass

    async def delete(self, namespace: str, name: str, *, uid: str, version: str) -> None:
        self._fail("before", "delete")
        execution = self.execution
        if execution is None:
            return
        if execution.metadata.resource_version != version:
            raise ApiError(409, "Conflict", "not as it was")
        ttl, status = execution.spec.ttl_seconds_after_finished, execution.status
        if not status.phase.is_terminal or ttl is None or status.completion_time is None:
            self.broken.append("deleted what was to stay")
        elif self.now < status.completion_time + timedelta(seconds=ttl):
            self.broken.append("deleted before its time")
        self.wish(deleted=True)
        self._fail("after", "delete")

    def _answer(self, action: Action, execution: ClaudeExecution) -> Outcome:
        match action:
            case AddFinalizer() | RemoveFinalizer():
                adds = isinstance(action, AddFinalizer)
                if not adds and execution.metadata.deletion_timestamp is None:
                    self._must_be_counted()
                update: dict[str, Any] = {"finalizers": (FINALIZER,) if adds else ()}
                if adds:
                    update["annotations"] = {ANNOTATION_STARTED_AS: execution.metadata.uid}
                metadata = execution.metadata.model_copy(update=update)
                written = self._write(execution, {"metadata": metadata})
                self._collect()
                return Written(written) if written is not None else ObjectGone()
            case RecordUsage():
                return UsageAsked()  # of whose recorder, it knows
            case CreatePod(name):
                return self._create(name, execution)
            case DeletePod():
                self.delete_pod()
                return PodGoing()
            case ConfirmPod(name, since):
                gone = self.gone.get(name)
                known = gone is not None and since is not None and gone.version > int(since)
                last = gone if known else None
                return PodSeen(self.pod) if self.pod is not None else PodGone(last)
            case SetFirstWish():
                return self._set_first_wish(execution)
            case Look() | Deliver():
                return self._ask(action)

    # The record of what was used

    async def get_map(self, namespace: str, name: str) -> dict[str, Any] | None:
        self._fail("before", "get_map")
        return copy.deepcopy(self.record)

    async def create(self, namespace: str, body: dict[str, Any]) -> None:
        self._fail("before", "record")
        if self.record is not None:
            raise ApiError(409, "AlreadyExists", "")
        self._keep(body)

    async def replace(self, namespace: str, body: dict[str, Any]) -> None:
        self._fail("before", "record")
        old = self.record or {"metadata": {}}
        if old["metadata"].get("resourceVersion") != body["metadata"]["resourceVersion"]:
            raise ApiError(409, "Conflict", "")
        self._keep(body)

    def counted(self) -> int:
        """How often its end stands in the record."""
        texts = (self.record or {}).get("data", {}).values()
        tallies = [tally for text in texts for tally in read(text).values()]
        return sum(t.counts[end] for t in tallies for end in ("succeeded", "failed", "cancelled"))

    def _keep(self, body: dict[str, Any]) -> None:
        version = {"resourceVersion": str(self._next())}
        self.record = {**body, "metadata": {**body["metadata"], **version}}
        if self.counted() > 1:
            self.broken.append("counted twice")
        self._fail("after", "record")

    def _must_be_counted(self) -> None:
        if self.counted() + self.lost != 1:
            self.broken.append("let go without its usage")

    def _ask(self, action: Look | Deliver) -> Outcome:
        if not self.link_is_up or self.runner is None or self.pod is None or self.pod.over:
            return Unanswered("no link", node_is_silent=not self.link_is_up)
        if isinstance(action, Deliver):
            self.runner.apply(action.verb, action.wish.generation)
        return Heard(self.runner.snapshot())

    def _create(self, name: str, execution: ClaudeExecution) -> Outcome:
        if self.pod is not None and self.pod.name != name:
            self.broken.append(f"{name} beside {self.pod.name}")
        if self.pod is None:
            if name in self.made:
                self.broken.append(f"{name} for the second time")
            self.made.add(name)
            self._first_wish = execution.spec.desired_state
            self._first_generation = execution.metadata.generation
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
    _first_generation: int = 0

    def _set_first_wish(self, execution: ClaudeExecution) -> Outcome:
        if self.pod is None:
            return PodGone()
        if not self.pod.started:  # else the annotation changes, and nobody reads it
            self._first_wish = execution.spec.desired_state
            self._first_generation = execution.metadata.generation
        self._change(generation=execution.metadata.generation)
        return PodSeen(self.pod)

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
            self.execution, self.last = None, execution
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
