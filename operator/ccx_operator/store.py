"""What the operator knows, by the execution's uid: three facts' worth a pod, never a body.

    watch events, full lists, our own writes, links -> Store -> observe() -> decide()

Our own writes enter at once. What is older than what is known changes nothing, so events may
come late, twice and in any order. GONE needs a proof (a DELETED event or a read); a pod that
a full list does not name is merely unknown again. Of what is settled a word is kept, and when it
is to be deleted: there may be ten thousand.
"""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from ccx_api.names import FINALIZER
from ccx_api.snapshot import Snapshot
from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.census import Census
from ccx_operator.facts import PodFacts
from ccx_operator.observed import (
    Gone,
    Looked,
    Observed,
    Refusal,
    RefusalKind,
    Silence,
    Usage,
    is_ending,
)
from ccx_operator.pod_name import attempt_of
from ccx_operator.settled import Expiry, expiry_of
from ccx_operator.unsure import asked_since

Uid = str

_NOTHING = Observed()


class Unheard(Protocol):
    """Why a runner has not answered."""

    @property
    def message(self) -> str: ...
    @property
    def versions_differ(self) -> bool: ...
    @property
    def node_is_silent(self) -> bool: ...


class Store:
    def __init__(self) -> None:
        self.census = Census()
        self._executions: dict[Uid, ClaudeExecution] = {}
        self._observed: dict[Uid, Observed] = {}
        self._settled: dict[Uid, Phase] = {}
        """Nothing is left to do for them: they have ended, and their finalizers have gone."""

        self._expiries: dict[Uid, Expiry] = {}
        """Of the settled ones that have a TTL."""

        self.complete = False
        """A full list has been gone through: an execution that is not here is settled, or gone."""

        self.on_expiry: Callable[[Uid], None] = lambda _: None
        """Called whenever one is known anew."""

    def execution(self, uid: Uid) -> ClaudeExecution | None:
        """None: there is none, or nothing is left to do for it."""
        return self._executions.get(uid)

    def observe(self, uid: Uid) -> Observed:
        return self._observed.get(uid, _NOTHING)

    def uids(self) -> frozenset[Uid]:
        """Of those for which something may be left to do."""
        return frozenset(self._executions)

    def known(self) -> frozenset[Uid]:
        return self.uids() | self._settled.keys()

    # Executions

    def saw_execution(self, execution: ClaudeExecution) -> None:
        uid = execution.metadata.uid
        known = self._executions.get(uid)
        if known is not None and _version(execution) < _version(known):
            return
        if execution.status.phase.is_terminal and FINALIZER not in execution.metadata.finalizers:
            self.settle(uid, execution.status.phase, expiry_of(execution))
        elif uid not in self._settled:  # a terminal phase is never left
            self._executions[uid] = execution
            if known is None and (since := asked_since(execution)) is not None:
                self._change(uid, asked_since=since)
            self.census.saw(execution)

    def settle(self, uid: Uid, phase: Phase, expiry: Expiry | None = None) -> None:
        """Nothing is left to do for it but to delete it in time: see settled.py."""
        known = self._expiries.get(uid)
        if known is not None and expiry is not None and expiry.is_older_than(known):
            return
        self.execution_deleted(uid)
        self._settled[uid] = phase
        self.census.settled(uid, phase)
        if expiry is not None:
            self._expiries[uid] = expiry
            self.on_expiry(uid)

    def expiry(self, uid: Uid) -> Expiry | None:
        return self._expiries.get(uid)

    def is_settled(self, uid: Uid) -> bool:
        return uid in self._settled

    def has(self, uid: Uid, version: int) -> bool:
        """Just this state of it: the watch tells of our own writes, too."""
        known = self._executions.get(uid)
        return known is not None and _version(known) == version

    def execution_deleted(self, uid: Uid) -> None:
        for facts in (self._executions, self._observed, self._settled, self._expiries):
            facts.pop(uid, None)
        self.census.forget(uid)

    def wrote_status(self, execution: ClaudeExecution, now: datetime) -> None:
        self.saw_execution(execution)
        self._change(execution.metadata.uid, written_at=now)

    def saw_all_executions(self, listed: AbstractSet[Uid], known: AbstractSet[Uid]) -> None:
        """Compare with a full list. `known` is what was known before it was asked for."""
        for uid in known - listed:
            self.execution_deleted(uid)
        self.complete = True

    # Pods

    def saw_pod(self, pod: PodFacts, now: datetime) -> None:
        uid, known = pod.owner_uid, self.observe(pod.owner_uid)
        if uid in self._settled:
            return
        old = known.pod.last if isinstance(known.pod, Gone) else known.pod
        if old is not None and old.uid == pod.uid:
            if isinstance(known.pod, Gone) or pod.version < old.version:
                return
            if not pod.terminating:  # our own deletion, not yet told of
                pod = replace(pod, gone_by=old.gone_by)
        elif old is not None and attempt_of(pod.name) < attempt_of(old.name):
            self._change(uid, stray=None if pod.terminating else pod)
            return
        elif old is not None and pod.version < old.version and pod.name == old.name:
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
        stray = self.observe(pod.owner_uid).stray
        if stray is not None and stray.uid == pod.uid:
            self._change(pod.owner_uid, stray=None)
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

    def pod_is_unsure(self, uid: Uid, name: str, since: str) -> None:
        """Nobody knows whether it was made; unless the watch has been quicker."""
        known = self.observe(uid)
        pod = known.pod.last if isinstance(known.pod, Gone) else known.pod
        if pod is None or pod.name != name:
            self._change(uid, pod=None, asked_since=known.asked_since or since)

    def pod_is_being_deleted(self, uid: Uid, now: datetime, *, pod_uid: str) -> None:
        known, stray = self.observe(uid).pod, self.observe(uid).stray
        if stray is not None and stray.uid == pod_uid:
            self._change(uid, stray=None)
        elif isinstance(known, PodFacts) and not known.terminating:
            self._change(uid, pod=replace(known, gone_by=now))

    def saw_all_pods(self, listed: AbstractSet[Uid], known: Iterable[PodFacts]) -> frozenset[Uid]:
        """Compare with a full list; return whose pod is missing there: those are to be read.

        `listed` are the pods' own uids, `known` is what was known before the list was asked for.
        """
        missing = frozenset(pod.owner_uid for pod in known if pod.uid not in listed)
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

    # Usage

    def usage_asked(self, uid: Uid) -> None:
        if self.observe(uid).usage is None:
            self._change(uid, usage=Usage.ASKED)

    def usage_settled(self, uid: Uid) -> None:
        if uid in self._executions:
            self._change(uid, usage=Usage.SETTLED)

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

    def heard_nothing(self, uid: Uid, why: Unheard, now: datetime, *, cancel: bool) -> None:
        before = self.observe(uid).silence
        node_since = (before.node_since if before else None) or now
        silence = Silence(
            since=before.since if before else now,
            last_try=now,
            tries=min(before.tries + 1, 30) if before else 1,
            cancel_since=(before.cancel_since if before else None) or (now if cancel else None),
            message=why.message,
            versions_differ=why.versions_differ,
            node_since=node_since if why.node_is_silent else None,
        )
        self._change(uid, silence=silence)

    def _saw_snapshot(self, uid: Uid, snapshot: Snapshot, now: datetime) -> None:
        known = self.observe(uid)
        if known.snapshot is not None and _rank(snapshot) < _rank(known.snapshot):
            return  # an end is never taken back, nor an applied wish
        ending = known.ending_since or (now if is_ending(snapshot) else None)
        self._change(uid, snapshot=snapshot, ending_since=ending)

    def _change(self, uid: Uid, **changes: object) -> None:
        if uid in self._settled:
            return
        self._observed[uid] = replace(self.observe(uid), **changes)  # type: ignore[arg-type]


def _rank(snapshot: Snapshot) -> tuple[int, int, float]:
    """Snapshots only move on: to the end, to newer wishes, in time."""
    order = {"Ending": 1, "Ended": 2}.get(snapshot.state, 0)
    return order, snapshot.generation, snapshot.active_seconds + snapshot.paused_seconds


def _version(execution: ClaudeExecution) -> int:
    text = execution.metadata.resource_version
    return int(text) if text.isdecimal() else 0
