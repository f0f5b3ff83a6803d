"""What the operator knows, by the execution's uid: three facts' worth a pod, never a body.

    watch events, full lists, our own writes, links -> Store -> observe() -> decide()

Our own writes enter at once. What is older than what is known changes nothing, so events may
come late, twice and in any order. GONE needs a proof (a DELETED event or a read); a pod that
a full list does not name is merely unknown again.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from ccx_api.snapshot import Snapshot
from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.facts import PodFacts
from ccx_operator.observed import Gone, Looked, Observed, Refusal, RefusalKind, Silence, is_ending

Uid = str

_NOTHING = Observed()


class Store:
    def __init__(self) -> None:
        self._executions: dict[Uid, ClaudeExecution] = {}
        self._observed: dict[Uid, Observed] = {}

    def execution(self, uid: Uid) -> ClaudeExecution | None:
        return self._executions.get(uid)

    def observe(self, uid: Uid) -> Observed:
        return self._observed.get(uid, _NOTHING)

    def phases(self) -> Counter[Phase]:
        # list() is one step of the interpreter: the metrics' thread sees no half-made dict.
        return Counter(execution.status.phase for execution in list(self._executions.values()))

    def uids(self) -> frozenset[Uid]:
        return frozenset(self._executions)

    # Executions

    def saw_execution(self, execution: ClaudeExecution) -> None:
        uid = execution.metadata.uid
        known = self._executions.get(uid)
        if known is None or _version(execution) >= _version(known):
            self._executions[uid] = _slim(execution)

    def execution_deleted(self, uid: Uid) -> None:
        self._executions.pop(uid, None)
        self._observed.pop(uid, None)

    def wrote_status(self, execution: ClaudeExecution, now: datetime) -> None:
        self.saw_execution(execution)
        self._change(execution.metadata.uid, written_at=now)

    def saw_all_executions(self, listed: Iterable[ClaudeExecution], known: Iterable[Uid]) -> None:
        """Compare with a full list. `known` is what was known before it was asked for."""
        executions = {execution.metadata.uid: execution for execution in listed}
        for uid in set(known) - executions.keys():
            self.execution_deleted(uid)
        for execution in executions.values():
            self.saw_execution(execution)

    # Pods

    def saw_pod(self, pod: PodFacts, now: datetime) -> None:
        uid, known = pod.owner_uid, self.observe(pod.owner_uid)
        old = known.pod.last if isinstance(known.pod, Gone) else known.pod
        if old is not None and old.uid == pod.uid:
            if isinstance(known.pod, Gone) or pod.version < old.version:
                return
            if old.terminating and not pod.terminating:  # our own deletion, not yet told of
                pod = replace(pod, gone_by=old.gone_by)
        elif old is not None and pod.version < old.version:
            return
        if old is None or old.uid != pod.uid:  # the words of another pod's runner are not its
            known = Observed(
                written_at=known.written_at,
                looked=Looked(now),
                silent_gateway=known.silent_gateway,
            )
        known = replace(known, pod=pod, refusal=None)
        self._observed[uid] = known
        if pod.agent.last_words is not None:
            self._saw_snapshot(uid, pod.agent.last_words, now)

    def pod_deleted(self, pod: PodFacts, now: datetime) -> None:
        """A DELETED event: its object is the pod's last state."""
        known = self.observe(pod.owner_uid).pod
        if pod.owner_uid not in self._executions:
            self._observed.pop(pod.owner_uid, None)
            return
        if isinstance(known, PodFacts) and known.uid != pod.uid:
            return
        self.saw_pod(pod, now)
        may_live = not pod.terminating and not pod.over
        self._change(pod.owner_uid, pod=replace(pod, left_sight=True) if may_live else Gone(pod))

    def pod_is_gone(self, uid: Uid) -> None:
        """A read has found no pod."""
        known = self.observe(uid).pod
        if not isinstance(known, Gone):
            self._change(uid, pod=Gone(known))

    def pod_is_being_deleted(self, uid: Uid, now: datetime) -> None:
        known = self.observe(uid).pod
        if isinstance(known, PodFacts) and not known.terminating:
            self._change(uid, pod=replace(known, gone_by=now))

    def saw_all_pods(
        self, listed: Iterable[PodFacts], known: Iterable[PodFacts], now: datetime
    ) -> frozenset[Uid]:
        """Compare with a full list; return whose pod is missing there: those are to be read.

        `known` is what was known before the list was asked for.
        """
        pods = {pod.uid: pod for pod in listed}
        for pod in pods.values():
            self.saw_pod(pod, now)
        missing = frozenset(pod.owner_uid for pod in known if pod.uid not in pods)
        for uid in missing:
            if uid not in self._executions:
                self._observed.pop(uid, None)
        return missing & self.uids()

    def pods(self) -> tuple[PodFacts, ...]:
        return tuple(o.pod for o in self._observed.values() if isinstance(o.pod, PodFacts))

    def creation_refused(self, uid: Uid, kind: RefusalKind, message: str, now: datetime) -> None:
        before = self.observe(uid).refusal
        tries = before.tries + 1 if before else 1
        self._change(uid, refusal=Refusal(kind, message, now, tries))

    # Gateways

    def gateway_is_silent(self, uid: Uid, gateway: str | None) -> None:
        """None: it is heard of again."""
        if self.observe(uid).silent_gateway != gateway:
            self._change(uid, silent_gateway=gateway)

    # Runners

    def heard(self, uid: Uid, snapshot: Snapshot, now: datetime, *, pod_uid: str) -> None:
        """Over a link to that pod."""
        pod = self.observe(uid).pod
        if not isinstance(pod, PodFacts) or pod.uid != pod_uid:
            return
        self._change(uid, looked=Looked(now, pod.ready), silence=None)
        self._saw_snapshot(uid, snapshot, now)

    def heard_nothing(self, uid: Uid, message: str, now: datetime, *, cancel: bool) -> None:
        before = self.observe(uid).silence
        silence = Silence(
            since=before.since if before else now,
            last_try=now,
            tries=min(before.tries + 1, 30) if before else 1,
            cancel_since=(before.cancel_since if before else None) or (now if cancel else None),
            message=message,
        )
        self._change(uid, silence=silence)

    def _saw_snapshot(self, uid: Uid, snapshot: Snapshot, now: datetime) -> None:
        known = self.observe(uid)
        if known.snapshot is not None and _rank(snapshot) < _rank(known.snapshot):
            return  # an end is never taken back, nor an applied wish
        ending = known.ending_since or (now if is_ending(snapshot) else None)
        self._change(uid, snapshot=snapshot, ending_since=ending)

    def _change(self, uid: Uid, **changes: object) -> None:
        self._observed[uid] = replace(self.observe(uid), **changes)  # type: ignore[arg-type]


def _rank(snapshot: Snapshot) -> tuple[int, int, float]:
    """Snapshots only move on: to the end, to newer wishes, in time."""
    order = {"Ending": 1, "Ended": 2}.get(snapshot.state, 0)
    return order, snapshot.generation, snapshot.active_seconds + snapshot.paused_seconds


def _version(execution: ClaudeExecution) -> int:
    text = execution.metadata.resource_version
    return int(text) if text.isdecimal() else 0


def _slim(execution: ClaudeExecution) -> ClaudeExecution:
    """A finished one keeps its status alone of what is large: there may be ten thousand."""
    if not execution.status.phase.is_terminal:
        return execution
    light = {"prompt": None, "command": None, "env": None, "env_from": None, "pod_template": None}
    return execution.model_copy(update={"spec": execution.spec.model_copy(update=light)})
