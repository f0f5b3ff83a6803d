"""What one piece of news makes of what is known of one execution. Pure.

    Observed, a pod or the word of a runner -> Observed

What is older than what is known changes nothing, so news may come late, twice and in any order.
"""

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from ccx_api.snapshot import Snapshot
from ccx_operator.facts import PodFacts
from ccx_operator.observed import (
    Gone,
    Looked,
    Observed,
    Refusal,
    RefusalKind,
    Silence,
    is_ending,
)
from ccx_operator.pod_name import attempt_of


class Unheard(Protocol):
    """Why a runner has not answered."""

    @property
    def message(self) -> str: ...
    @property
    def versions_differ(self) -> bool: ...
    @property
    def node_is_silent(self) -> bool: ...


# Pods


def saw_pod(known: Observed, pod: PodFacts, now: datetime) -> Observed:
    old = _last(known)
    if old is not None and old.uid == pod.uid:
        if isinstance(known.pod, Gone) or pod.version < old.version:
            return known
        if not pod.terminating:  # our own deletion, not yet told of
            pod = replace(pod, gone_by=old.gone_by)
    elif old is not None and attempt_of(pod.name) < attempt_of(old.name):
        return replace(known, stray=None if pod.terminating else pod)
    elif old is not None and pod.version < old.version and pod.name == old.name:
        return known
    if old is None or old.uid != pod.uid:  # the words of another pod's runner are not its
        known = Observed(
            written_at=known.written_at,
            looked=Looked(now),
            silent_gateway=known.silent_gateway,
        )
    known = replace(known, pod=pod, refusal=None)
    if pod.agent.last_words is not None:
        known = _saw_snapshot(known, pod.agent.last_words, now)
    return known


def pod_deleted(known: Observed, pod: PodFacts, now: datetime) -> Observed:
    """A DELETED event: its object is the pod's last state."""
    if known.stray is not None and known.stray.uid == pod.uid:
        known = replace(known, stray=None)
    if isinstance(known.pod, PodFacts) and known.pod.uid != pod.uid:
        return known
    known = saw_pod(known, pod, now)
    may_live = not pod.terminating and not pod.over
    return replace(known, pod=replace(pod, left_sight=True) if may_live else Gone(pod))


def pod_is_gone(known: Observed) -> Observed:
    """A read has found no pod."""
    return known if isinstance(known.pod, Gone) else replace(known, pod=Gone(known.pod))


def pod_is_unsure(known: Observed, name: str, since: str) -> Observed:
    """Nobody knows whether it was made; unless the watch has been quicker."""
    pod = _last(known)
    if pod is not None and pod.name == name:
        return known
    return replace(known, pod=None, asked_since=known.asked_since or since)


def pod_is_being_deleted(known: Observed, now: datetime, *, pod_uid: str) -> Observed:
    if known.stray is not None and known.stray.uid == pod_uid:
        return replace(known, stray=None)
    if isinstance(known.pod, PodFacts) and not known.pod.terminating:
        return replace(known, pod=replace(known.pod, gone_by=now))
    return known


def creation_refused(known: Observed, kind: RefusalKind, message: str, now: datetime) -> Observed:
    tries = known.refusal.tries + 1 if known.refusal else 1
    return replace(known, refusal=Refusal(kind, message, now, tries))


def _last(known: Observed) -> PodFacts | None:
    """What was last known of its pod, whether or not that is still there."""
    return known.pod.last if isinstance(known.pod, Gone) else known.pod


# Runners


def heard(known: Observed, snapshot: Snapshot, now: datetime, *, pod_uid: str) -> Observed:
    """Over a link to that pod."""
    pod = known.pod
    if not isinstance(pod, PodFacts) or pod.uid != pod_uid:
        return known
    return _saw_snapshot(replace(known, looked=Looked(now, pod.ready), silence=None), snapshot, now)


def heard_nothing(known: Observed, why: Unheard, now: datetime, *, cancel: bool) -> Observed:
    before = known.silence
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
    return replace(known, silence=silence)


def _saw_snapshot(known: Observed, snapshot: Snapshot, now: datetime) -> Observed:
    if known.snapshot is not None and _rank(snapshot) < _rank(known.snapshot):
        return known  # an end is never taken back, nor an applied wish
    ending = known.ending_since or (now if is_ending(snapshot) else None)
    return replace(known, snapshot=snapshot, ending_since=ending)


def _rank(snapshot: Snapshot) -> tuple[int, int, float]:
    """Snapshots only move on: to the end, to newer wishes, in time."""
    order = {"Ending": 1, "Ended": 2}.get(snapshot.state, 0)
    return order, snapshot.generation, snapshot.active_seconds + snapshot.paused_seconds
