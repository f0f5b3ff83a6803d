"""What is known of one execution besides its object: the second argument of decide()."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ccx_api.snapshot import Snapshot
from ccx_operator.facts import PodFacts


@dataclass(frozen=True, slots=True)
class Gone:
    """The pod does not exist: a DELETED event or a read said so, not the silence of a watch."""

    last: PodFacts | None = None


def is_ending(snapshot: Snapshot | None) -> bool:
    """Nothing but a cancel can be asked of this process any more."""
    if snapshot is None:
        return False
    cancelled = snapshot.control is not None and snapshot.control.action == "cancel"
    return cancelled or snapshot.state in ("Ending", "Ended")


class RefusalKind(StrEnum):
    REJECTED = "rejected"
    """For good: invalid, Pod Security, a webhook's no."""

    QUOTA = "quota"
    """For now: a quota, or a passing error of the server or a webhook."""

    NAME_TAKEN = "name taken"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The API server's answer to the newest attempt to create the pod."""

    kind: RefusalKind
    message: str
    at: datetime
    tries: int = 1

    @property
    def next_try(self) -> datetime:
        return self.at + timedelta(seconds=min(2**self.tries, 60))


@dataclass(frozen=True, slots=True)
class Silence:
    """The runner does not answer over its link."""

    since: datetime
    last_try: datetime
    tries: int = 1
    cancel_since: datetime | None = None
    """The first CANCEL that got no answer."""

    message: str = ""
    versions_differ: bool = False
    """It speaks, but nothing that this operator does."""

    node_since: datetime | None = None
    """Since when nobody has answered for its node either, in every try."""

    def next_try(self, *, urgent: bool) -> datetime:
        """What a user waits for is tried more often than a sample."""
        return self.last_try + timedelta(seconds=min(2**self.tries, 5 if urgent else 30))


class Usage(StrEnum):
    """How far the recording of what it has used is. In no memory: nobody has asked yet."""

    ASKED = "asked"
    SETTLED = "settled"
    """Recorded, or given up for good."""


@dataclass(frozen=True, slots=True)
class Looked:
    """The newest time that the runner was asked or told something of itself."""

    at: datetime
    ready: bool | None = None
    """The pod's readiness then. None: nobody has looked yet."""


@dataclass(frozen=True, slots=True)
class Observed:
    pod: PodFacts | Gone | None = None
    """None: not heard of, which is not the same as gone."""

    snapshot: Snapshot | None = None
    """The newest of the pod's runner: over its link, in the end from the termination message."""

    looked: Looked | None = None
    silence: Silence | None = None
    refusal: Refusal | None = None
    asked_since: str | None = None
    """The execution's version from which on a pod of it may have come and gone unseen: when it was
    first seen here, or asked for and no answer came."""

    ending_since: datetime | None = None
    """When the runner was first seen to be ending its process, or to have ended it."""

    stray: PodFacts | None = None
    """A pod of an earlier attempt that is there although a newer one's is: it must go."""

    silent_gateway: str | None = None
    """The gateway of its session, once that has been silent for too long."""

    usage: Usage | None = None
    written_at: datetime | None = None
    """When the operator last wrote the status."""
