"""One namespace as the recorder sees it, with calls that can fail, and places to interfere."""

import copy
from collections.abc import Callable
from typing import Any

from ccx_api.names import FINALIZER
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_kube.errors import ApiError
from ccx_operator.recorder import Ports, Recorder
from ccx_operator.store import Store
from ccx_operator.usage_tally import read
from ccx_operator.work_queue import WorkQueue
from support.reconciling import NOW, an_execution, was

ENDS = ("succeeded", "failed", "cancelled")


class CrashError(BaseException):
    """The operator is no more: nobody catches that."""


class UsageCluster:
    """Every call of the recorder is a number: `before[n]` and `after[n]` are run around it."""

    def __init__(self, *uids: str) -> None:
        self.executions = {uid: an_ended(uid) for uid in uids}
        self.record: dict[str, Any] | None = None
        self.calls: list[str] = []
        self.before: dict[int, Callable[[], None]] = {}
        self.after: dict[int, Callable[[], None]] = {}
        self.refuses: Exception | None = None
        """The answer to every write."""

        self.events: list[dict[str, Any]] = []

    def counted(self) -> int:
        data: dict[str, str] = (self.record or {}).get("data", {})
        texts = [text for key, text in data.items() if key[:2] == "20"]
        tallies = [tally for text in texts for tally in read(text).values()]
        return sum(tally.counts[end] for tally in tallies for end in ENDS)

    @property
    def writes(self) -> int:
        return sum(call in ("create", "replace") for call in self.calls)

    def ends(self, uid: str, life: "Life") -> None:
        """One more has ended, and that operator hears of it."""
        self.executions[uid] = an_ended(uid)
        life.store.saw_execution(self.executions[uid])

    def let_go(self, uid: str) -> None:
        metadata = self.executions[uid].metadata.model_copy(update={"finalizers": ()})
        update = {"metadata": metadata}
        self.executions[uid] = self.executions[uid].model_copy(update=update)

    def tell(self, namespace: str, event: dict[str, Any]) -> None:
        self.events.append(event)

    def done(self, call: str, work: Callable[[], Any]) -> Any:
        number = len(self.calls) + 1
        self.calls.append(call)
        self.before.pop(number, lambda: None)()
        found = work()
        self.after.pop(number, lambda: None)()
        return found


class Maps:
    def __init__(self, cluster: UsageCluster) -> None:
        self._cluster = cluster

    async def get(self, namespace: str, name: str) -> dict[str, Any] | None:
        assert (namespace, name) == ("ns", "cc-executor-usage")
        found: dict[str, Any] | None = self._cluster.done(
            "get record", lambda: copy.deepcopy(self._cluster.record)
        )
        return found

    async def create(self, namespace: str, body: dict[str, Any]) -> None:
        self._cluster.done("create", lambda: self._write(body, None, "AlreadyExists"))

    async def replace(self, namespace: str, body: dict[str, Any]) -> None:
        version = body["metadata"]["resourceVersion"]
        self._cluster.done("replace", lambda: self._write(body, version, "Conflict"))

    def _write(self, body: dict[str, Any], version: str | None, no: str) -> None:
        cluster = self._cluster
        if cluster.refuses is not None:
            raise cluster.refuses
        now = cluster.record["metadata"]["resourceVersion"] if cluster.record else None
        if now != version:
            raise ApiError(409, no, "not as it was")
        metadata = {**body["metadata"], "resourceVersion": str(int(now or 0) + 1)}
        cluster.record = {**body, "metadata": metadata}


class Executions:
    def __init__(self, cluster: UsageCluster) -> None:
        self._cluster = cluster

    async def get(self, namespace: str, name: str) -> ClaudeExecution:
        found: ClaudeExecution = self._cluster.done(
            "get execution", lambda: self._cluster.executions[name]
        )
        return found


class Life:
    """Of one operator: what it knows, and its recorder. Time is a value: it runs from NOW on."""

    def __init__(self, cluster: UsageCluster) -> None:
        self.cluster, self.store, self.seconds = cluster, Store(), 0.0
        self.woken, self.recorded, self.lost = list[str](), 0, 0
        self.recorder = Recorder(
            self.store,
            WorkQueue(clock=lambda: self.seconds),
            Ports(Maps(cluster), Executions(cluster), cluster.tell),
            self,
            wake=self.woken.append,
            now=lambda: NOW,
            clock=lambda: self.seconds,
        )
        for execution in cluster.executions.values():
            if FINALIZER in execution.metadata.finalizers:
                self.store.saw_execution(execution)

    def ask(self) -> None:
        """For all that it knows of and that are not settled yet, as decide() does."""
        for uid in sorted(self.store.uids()):
            execution = self.store.execution(uid)
            if execution is not None and self.store.observe(uid).usage is None:
                self.recorder.add(execution)
                self.store.usage_asked(uid)

    async def live(self) -> bool:
        """Ask, record, and let go: the whole of it."""
        self.ask()
        done = await self.recorder.step("ns")
        self.release()
        return done

    def release(self) -> None:
        for uid in sorted(self.store.uids()):
            if self.store.observe(uid).usage == "settled":
                self.cluster.let_go(uid)
                self.store.saw_execution(self.cluster.executions[uid])

    def acted(self, action: str) -> None:
        pass

    def usage_recorded(self, executions: int) -> None:
        self.recorded += executions

    def usage_lost(self, executions: int) -> None:
        self.lost += executions


def an_ended(uid: str) -> ClaudeExecution:
    status = was("Succeeded", "Completed", completionTime=NOW, usage={"costUSD": "0.5"})
    execution = an_execution(started_as=uid, status=status)
    metadata = execution.metadata.model_copy(update={"uid": uid, "name": uid})
    return execution.model_copy(update={"metadata": metadata})
