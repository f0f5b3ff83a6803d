"""Whether a running process is to be asked or told something over its runner's link. Pure.

A link costs the API server a megabyte while it is open: it is used to act, when readiness says
that something has changed, and slowly to sample usage.
"""

from datetime import datetime, timedelta

from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution, DesiredState
from ccx_operator.actions import VERB_OF, Action, Deliver, Look
from ccx_operator.facts import PodFacts
from ccx_operator.observed import Looked, Observed
from ccx_operator.silent_node import silent_from
from ccx_operator.stopping import Step
from ccx_operator.wanted import soonest, wish_of

SAMPLE_EVERY = timedelta(seconds=30)
UNREADY_SAMPLE_EVERY = timedelta(seconds=60)
"""Of a pod that is not Ready, as in a pause: nobody tells of its node's silence. A node controller
takes the Ready condition back, and this one is not there."""

BOOT_TIME = timedelta(seconds=3)
"""Within which a runner has started its process and the kubelet has seen it ready."""


def ask(execution: ClaudeExecution, pod: PodFacts, observed: Observed, *, now: datetime) -> Step:
    if pod.terminating or pod.unreachable_since is not None:
        return Step()
    question = _question(execution, pod, observed, now)
    if question is None:
        return Step()
    action, due, urgent = question
    if observed.silence is not None:
        due = max(due, observed.silence.next_try(urgent=urgent))
    return Step(action) if now >= due else Step(check_after=soonest(now, due))


def is_behind(execution: ClaudeExecution, pod: PodFacts, observed: Observed) -> bool:
    """The newest wish that the runner is known to have carried out is not the newest."""
    snapshot = observed.snapshot
    applied = pod.generation if snapshot is None else snapshot.generation
    return applied < execution.metadata.generation


def _question(
    execution: ClaudeExecution, pod: PodFacts, observed: Observed, now: datetime
) -> tuple[Action, datetime, bool] | None:
    """The action, from when on it is due, and whether a user waits for it."""
    look = Look(pod.name, pod.uid)
    if is_behind(execution, pod, observed):
        if observed.snapshot is None:
            return look, now, True
        wish = wish_of(execution)
        return Deliver(pod.name, pod.uid, VERB_OF[wish.desired_state], wish), now, True
    looked = observed.looked or Looked(now)
    if _is_booting(execution, observed):
        return look, _boot_look(execution, pod, looked, now), False
    if pod.ready != _known_to_run_freely(execution, observed):
        fresh = looked.ready == pod.ready  # asked since: the probe is merely slower than a link
        return look, looked.at + SAMPLE_EVERY if fresh else now, False
    if not pod.ready:
        return look, _unready_look(execution, pod, observed, now), False
    if observed.snapshot is None and execution.status.process is None:
        return look, now, False  # its first look had no answer, and nothing else may come to pass
    if execution.spec.command is None:
        return look, looked.at + SAMPLE_EVERY, False
    return None


def _unready_look(
    execution: ClaudeExecution, pod: PodFacts, observed: Observed, now: datetime
) -> datetime:
    """A node that is known to be silent is not asked as often as one that may be."""
    silent, silence = silent_from(execution, pod, observed), observed.silence
    if silence is not None and silent is not None and now >= silent:
        return silence.last_try + UNREADY_SAMPLE_EVERY
    return (observed.looked or Looked(now)).at + UNREADY_SAMPLE_EVERY


def _is_booting(execution: ClaudeExecution, observed: Observed) -> bool:
    if observed.snapshot is not None:
        return observed.snapshot.state == "Starting"
    return execution.status.phase in (Phase.QUEUED, Phase.STARTING)


def _boot_look(
    execution: ClaudeExecution, pod: PodFacts, looked: Looked, now: datetime
) -> datetime:
    """When it is ready; one that starts paused never is: as soon as it can answer."""
    if pod.ready and looked.ready != pod.ready:
        return now
    paused = execution.spec.desired_state is DesiredState.PAUSED
    if looked.ready is not None:
        return looked.at + BOOT_TIME
    since = pod.agent.running_since or looked.at
    return since if paused else since + BOOT_TIME


def _known_to_run_freely(execution: ClaudeExecution, observed: Observed) -> bool:
    if observed.snapshot is not None:
        return observed.snapshot.state == "Running" and not observed.snapshot.stalled
    return execution.status.phase is Phase.RUNNING
