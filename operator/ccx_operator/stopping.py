"""End a running process: ask its runner, and delete the pod only if that does not answer. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.actions import Action, DeletePod, Deliver, Verb
from ccx_operator.facts import PodFacts
from ccx_operator.observed import Observed, is_ending
from ccx_operator.wanted import PATIENCE, cancel_wanted, grace, soonest, wish_of

ANSWER_TIME = timedelta(seconds=15)
"""How long a runner may leave a CANCEL unanswered."""

DRAIN_TIME = timedelta(seconds=300)
"""How long a container may outlive a process that nobody has cancelled: readers drain it."""


@dataclass(frozen=True, slots=True)
class Step:
    """What to do now, or when to look again."""

    action: Action | None = None
    check_after: float | None = None


def stop(
    execution: ClaudeExecution, pod: PodFacts, observed: Observed, *, now: datetime
) -> Step | None:
    """None: nothing is to be ended."""
    ending = is_ending(observed.snapshot)
    if not ending and not cancel_wanted(execution):
        return None
    if pod.terminating:
        return Step()  # the kubelet has told the runner, and keeps the time
    delete = DeletePod(pod.name, pod.uid)
    if ending:
        patience = PATIENCE if cancel_wanted(execution) else DRAIN_TIME
        return _wait_for_end(execution, observed, patience, delete, now)
    silence = observed.silence
    if silence is None:
        return Step(Deliver(pod.name, pod.uid, Verb.CANCEL, wish_of(execution)))
    if silence.cancel_since is not None and now >= silence.cancel_since + ANSWER_TIME:
        return Step(delete)
    if now < (again := silence.next_try(urgent=True)):
        return Step(check_after=soonest(now, again))
    return Step(Deliver(pod.name, pod.uid, Verb.CANCEL, wish_of(execution)))


def _wait_for_end(
    execution: ClaudeExecution,
    observed: Observed,
    patience: timedelta,
    delete: DeletePod,
    now: datetime,
) -> Step:
    late = (observed.ending_since or now) + grace(execution) + patience
    return Step(delete) if now >= late else Step(check_after=soonest(now, late))
