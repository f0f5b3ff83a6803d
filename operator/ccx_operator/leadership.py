"""Who leads: what to do next about the Lease, by what was read of it and by our own clock. Pure.

    election.py: read -> saw() -> decide() -> write -> wrote(), or nothing where no answer came

No two clocks are compared. Who leads counts `renew_within` from when it sent its newest answered
write; the others count the Lease's duration, which is longer, from when they first saw that write.
So the one has ended before another begins, as long as their clocks run at about the same speed.
"""

import math
from dataclasses import dataclass, replace
from datetime import timedelta

from ccx_kube.leases import Lease


@dataclass(frozen=True, slots=True)
class Terms:
    """Seconds. `renew_within` is shorter than `duration`: the difference is for slow clocks."""

    duration: float = 10.0
    renew_within: float = 7.0
    retry: float = 2.0
    """Between two looks of a standby, and between two renewals."""


DEFAULT_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Standing:
    """What one participant knows."""

    name: str
    """Of the Lease."""

    me: str
    """Of this process alone: one that is started again is another."""

    terms: Terms = DEFAULT_TERMS
    lease: Lease | None = None
    """As it was read or written last."""

    changed_at: float = -math.inf
    """When this version of it was first seen here."""

    sent_at: float | None = None
    """When our newest answered write was sent. None: we have never led."""

    @property
    def leads_until(self) -> float:
        if self.sent_at is None or self.lease is None or self.lease.holder != self.me:
            return -math.inf
        return self.sent_at + self.terms.renew_within


@dataclass(frozen=True, slots=True)
class Acquire:
    lease: Lease


@dataclass(frozen=True, slots=True)
class Renew:
    lease: Lease


@dataclass(frozen=True, slots=True)
class Wait:
    """Somebody else leads. Look again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Lost:
    """We led, and must not act any more."""

    why: str


Step = Acquire | Renew | Wait | Lost


def saw(standing: Standing, lease: Lease | None, now: float) -> Standing:
    """After a read. None: there is no such Lease."""
    known = standing.lease
    if lease is None and known is not None:
        lease = replace(known, version="")  # deleted: its holder leads for a while without
    if lease is None or (known is not None and known.version == lease.version):
        return standing
    return replace(standing, lease=lease, changed_at=now)


def wrote(standing: Standing, lease: Lease, *, sent_at: float) -> Standing:
    """After the answer to a write: what the server has now."""
    return replace(standing, lease=lease, changed_at=sent_at, sent_at=sent_at)


def decide(standing: Standing, now: float, time: str) -> Step:
    """`now` is ours to count by, and goes on while we are stopped; `time` is for people to read."""
    lease, terms = standing.lease, standing.terms
    if standing.sent_at is not None:
        if lease is not None and lease.holder != standing.me:
            return Lost(f"{lease.holder or 'nobody'} holds the Lease")
        if now >= standing.leads_until:
            return Lost(f"the Lease was not renewed within {terms.renew_within:g} s")
    if lease is None or lease.holder == "":
        return Acquire(_taken(standing, time))
    if lease.holder == standing.me:  # also where the answer to its acquisition was lost
        return Renew(replace(lease, renewed=time, duration=timedelta(seconds=terms.duration)))
    left = standing.changed_at + (lease.duration.total_seconds() or terms.duration) - now
    return Wait(min(left, terms.retry)) if left > 0 else Acquire(_taken(standing, time))


def released(lease: Lease, time: str) -> Lease:
    """Anybody may have it at once."""
    return replace(lease, holder="", renewed=time)


def _taken(standing: Standing, time: str) -> Lease:
    before, lasts = standing.lease, timedelta(seconds=standing.terms.duration)
    return Lease(
        name=standing.name,
        renewed=time,
        duration=lasts,
        version=before.version if before is not None else "",
        holder=standing.me,
        acquired=time,
        transitions=before.transitions + 1 if before is not None else 0,
    )
