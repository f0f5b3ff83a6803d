"""What came of an action, and how the store learns of it: at once, not by the watch."""

from dataclasses import dataclass
from datetime import datetime

from ccx_api.snapshot import Snapshot
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.actions import Action, CreatePod, DeletePod, Deliver, Look, Verb
from ccx_operator.facts import PodFacts
from ccx_operator.observed import RefusalKind
from ccx_operator.store import Store


@dataclass(frozen=True, slots=True)
class Written:
    """The execution as it is now."""

    execution: ClaudeExecution


@dataclass(frozen=True, slots=True)
class ObjectGone:
    """The execution exists no more."""


@dataclass(frozen=True, slots=True)
class PodSeen:
    pod: PodFacts


@dataclass(frozen=True, slots=True)
class PodGone:
    """There is none of that name that is ours."""

    last: PodFacts | None = None
    """But there was one, of which nobody had heard."""


@dataclass(frozen=True, slots=True)
class PodUnsure:
    """No answer to its creation: it may be there, come later, or never."""

    since: str
    """The version of the execution that it was made for."""


@dataclass(frozen=True, slots=True)
class PodGoing:
    """Its deletion has been accepted."""


@dataclass(frozen=True, slots=True)
class Refused:
    kind: RefusalKind
    message: str


@dataclass(frozen=True, slots=True)
class Heard:
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class UsageAsked:
    """Its usage waits to be recorded; the recorder tells the store when it is."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    message: str
    versions_differ: bool = False
    node_is_silent: bool = False
    """Nobody has answered: not the node either."""


Outcome = (
    Written
    | ObjectGone
    | PodSeen
    | PodGone
    | PodUnsure
    | PodGoing
    | Refused
    | Heard
    | UsageAsked
    | Unanswered
)


def note(store: Store, uid: str, action: Action, outcome: Outcome, now: datetime) -> None:
    match outcome:
        case Written(execution):
            store.saw_execution(execution)
        case ObjectGone():
            store.execution_deleted(uid)
        case PodSeen(pod):
            store.saw_pod(pod, now)
        case PodGone(last):
            if last is not None:
                store.pod_deleted(last, now)
            store.pod_is_gone(uid)
        case PodUnsure(since) if isinstance(action, CreatePod):
            store.pod_is_unsure(uid, action.name, since)
        case PodGoing() if isinstance(action, DeletePod):
            store.pod_is_being_deleted(uid, now, pod_uid=action.uid)
        case Refused(kind, message):
            store.creation_refused(uid, kind, message, now)
        case Heard(snapshot) if isinstance(action, Look | Deliver):
            store.heard(uid, snapshot, now, pod_uid=action.uid)
        case UsageAsked():
            store.usage_asked(uid)
        case Unanswered() as why:
            cancel = isinstance(action, Deliver) and action.verb is Verb.CANCEL
            store.heard_nothing(uid, why, now, cancel=cancel)
