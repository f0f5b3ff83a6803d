"""What a decision may ask for. Values: controller.py has them carried out."""

from dataclasses import dataclass
from enum import StrEnum

from ccx_api.status import ExecutionStatus
from ccx_api.v1alpha1 import DesiredState
from ccx_api.wish import Wish


class Verb(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


VERB_OF = {
    DesiredState.RUNNING: Verb.RESUME,
    DesiredState.PAUSED: Verb.PAUSE,
    DesiredState.CANCELLED: Verb.CANCEL,
}


@dataclass(frozen=True, slots=True)
class AddFinalizer:
    """Just before the first pod: an uninstalled operator must not hold what it never ran.

    With it goes the mark by which a copy is told from the original: see restored.py.
    """


@dataclass(frozen=True, slots=True)
class RemoveFinalizer:
    pass


@dataclass(frozen=True, slots=True)
class RecordUsage:
    """Into the record of its namespace. Others share the write: its outcome is that it is asked."""


@dataclass(frozen=True, slots=True)
class CreatePod:
    name: str


@dataclass(frozen=True, slots=True)
class DeletePod:
    """With the pod's own grace, never 0, and only the pod of this uid."""

    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class ConfirmPod:
    """Read it again: a watch that says nothing of a pod has not said that it is gone."""

    name: str
    since: str | None = None
    """A resourceVersion. Where there is no such pod: has there been one since then?"""


@dataclass(frozen=True, slots=True)
class SetFirstWish:
    """Tell a pod whose process has not started what it is to start with.

    If the kubelet is quicker, the runner's first snapshot says so, and the wish is delivered.
    """

    pod: str
    uid: str


@dataclass(frozen=True, slots=True)
class Look:
    """Ask the runner for its snapshot."""

    pod: str
    uid: str


@dataclass(frozen=True, slots=True)
class Deliver:
    """Ask the runner, which refuses a generation older than the newest it has carried out.

    So a late messenger never undoes a newer wish, nor a freeze that somebody else owns.
    """

    pod: str
    uid: str
    verb: Verb
    wish: Wish


Action = (
    AddFinalizer
    | RemoveFinalizer
    | RecordUsage
    | CreatePod
    | DeletePod
    | ConfirmPod
    | SetFirstWish
    | Look
    | Deliver
)


@dataclass(frozen=True, slots=True)
class Decision:
    """First the status is written, then the actions are carried out, then it is decided again.

    So what a deletion is for stands in the status before the pod goes. A decision whose
    action will tell more about the status leaves the status as it is.
    """

    status: ExecutionStatus
    actions: tuple[Action, ...] = ()
    check_after: float | None = None
    """Seconds after which to decide again although nothing has happened."""
