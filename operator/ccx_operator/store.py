"""What the operator knows, by the execution's uid: three facts' worth a pod, never a body.

    watch events, full lists, our own writes, links -> Store (news.py) -> observe() -> decide()

Our own writes enter at once. What is older than what is known changes nothing. GONE needs a proof
(a DELETED event or a read); a pod that a full list does not name is merely unknown again. Of what
is settled a word is kept, and when it is to be deleted: there may be ten thousand.
"""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime

from ccx_api.names import FINALIZER
from ccx_api.snapshot import Snapshot
from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator import news
from ccx_operator.census import Census
from ccx_operator.facts import PodFacts
from ccx_operator.observed import Observed, RefusalKind, Usage
from ccx_operator.settled import Expiry, expiry_of
from ccx_operator.unsure import asked_since

Uid = str

_NOTHING = Observed()


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
        uid = pod.owner_uid
        self._learn(uid, news.saw_pod(self.observe(uid), pod, now))

    def pod_deleted(self, pod: PodFacts, now: datetime) -> None:
        uid = pod.owner_uid
        if uid in self._executions:
            self._learn(uid, news.pod_deleted(self.observe(uid), pod, now))
        else:
            self._observed.pop(uid, None)

    def pod_is_gone(self, uid: Uid) -> None:
        self._learn(uid, news.pod_is_gone(self.observe(uid)))

    def pod_is_unsure(self, uid: Uid, name: str, since: str) -> None:
        self._learn(uid, news.pod_is_unsure(self.observe(uid), name, since))

    def pod_is_being_deleted(self, uid: Uid, now: datetime, *, pod_uid: str) -> None:
        self._learn(uid, news.pod_is_being_deleted(self.observe(uid), now, pod_uid=pod_uid))

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
        self._learn(uid, news.creation_refused(self.observe(uid), kind, message, now))

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
        self._learn(uid, news.heard(self.observe(uid), snapshot, now, pod_uid=pod_uid))

    def heard_nothing(self, uid: Uid, why: news.Unheard, now: datetime, *, cancel: bool) -> None:
        self._learn(uid, news.heard_nothing(self.observe(uid), why, now, cancel=cancel))

    def _change(self, uid: Uid, **changes: object) -> None:
        self._learn(uid, replace(self.observe(uid), **changes))  # type: ignore[arg-type]

    def _learn(self, uid: Uid, told: Observed) -> None:
        if uid not in self._settled and told is not self.observe(uid):
            self._observed[uid] = told


def _version(execution: ClaudeExecution) -> int:
    text = execution.metadata.resource_version
    return int(text) if text.isdecimal() else 0
