"""Decide what one ClaudeExecution needs next. Pure: no I/O, no clock, no kopf.

    controller.py: observe -> decide() -> write the status, carry out the actions -> again

                    start.py        no pod, or one whose process has not started
    decide() ──>    alive.py        the container runs: stopping.py, asking.py
                    finish.py       it is over: verdict.py

It rests on facts that outlive the operator (spec, status, pod, the runner's snapshot), so a
crash between deciding and acting costs a retry and nothing else.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from ccx_api.names import FINALIZER
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.actions import Action, ConfirmPod, Decision, DeletePod, RemoveFinalizer
from ccx_operator.alive import alive
from ccx_operator.facts import PodFacts
from ccx_operator.finish import drained_at, finished
from ccx_operator.observed import Gone, Observed
from ccx_operator.pod_name import pod_name
from ccx_operator.session_end import closes, closing
from ccx_operator.start import never_made, was_held_back, with_waiting_pod, without_any_pod
from ccx_operator.verdict import ended_by_itself
from ccx_operator.wanted import cancel_wanted, held_until, soonest

NODE_LOST = timedelta(seconds=300)
"""How long a pod may be unreachable, or overdue to be gone, before it is called lost."""


def decide(
    execution: ClaudeExecution,
    observed: Observed,
    *,
    now: datetime,
    node_lost: timedelta = NODE_LOST,
) -> Decision:
    """Map what is wanted and what is seen to what to do. Total: every case is some phase."""
    held = held_until(execution)
    if held is not None and now >= held:
        return Decision(execution.status, (RemoveFinalizer(),))
    if isinstance(observed.pod, PodFacts) and observed.pod.left_sight:
        return Decision(execution.status, (ConfirmPod(pod_name(execution)),), soonest(now, held))
    if execution.status.phase.is_terminal:
        decision = _after_the_end(execution, observed, now, node_lost)
    else:
        decision = _before_the_end(execution, observed, now, node_lost)
    waits = [d for d in (decision.check_after, soonest(now, held)) if d is not None]
    return replace(decision, check_after=min(waits, default=None))


def _before_the_end(
    execution: ClaudeExecution, observed: Observed, now: datetime, node_lost: timedelta
) -> Decision:
    pod = observed.pod
    if closes(execution, observed):
        return Decision(closing(execution))
    if never_made(execution, observed):
        return without_any_pod(execution, observed, now=now)
    if pod is None:
        return Decision(execution.status, (ConfirmPod(pod_name(execution)),))
    if isinstance(pod, Gone):
        return Decision(finished(execution, pod.last, observed, now=now))
    held = was_held_back(execution.status) and not cancel_wanted(execution)
    if pod.terminating and held and not ended_by_itself(observed.snapshot):
        return Decision(execution.status)  # that it goes is an event, unless it was quicker
    lost = lost_at(pod, node_lost)
    if pod.over or (lost is not None and now >= lost):
        return Decision(finished(execution, pod, observed, now=now))
    if pod.started:
        decision = alive(execution, pod, observed, now=now)
    else:
        decision = with_waiting_pod(execution, pod, now=now)
    waits = [d for d in (decision.check_after, soonest(now, lost)) if d is not None]
    return replace(decision, check_after=min(waits, default=None))


def lost_at(pod: PodFacts, node_lost: timedelta) -> datetime | None:
    """When a pod whose node says nothing, or which should long be gone, counts as lost."""
    times = [time for time in (pod.unreachable_since, pod.gone_by) if time is not None]
    return min(times) + node_lost if times else None


def _after_the_end(
    execution: ClaudeExecution, observed: Observed, now: datetime, node_lost: timedelta
) -> Decision:
    """A terminal phase is never left. What may still run goes, and then the finalizer.

    A container whose process has ended has its time for readers: they drain it.
    """
    status, pod = execution.status, observed.pod
    finalizer = FINALIZER in execution.metadata.finalizers
    if pod is None:  # a restart: without the finalizer there is nothing left to end
        return Decision(status, (ConfirmPod(pod_name(execution)),) if finalizer else ())
    actions: tuple[Action, ...] = ()
    due: datetime | None = None
    if isinstance(pod, PodFacts) and not pod.over:
        due, drained = lost_at(pod, node_lost), drained_at(execution)
        if not pod.terminating and (drained is None or now >= drained):
            actions, drained = (DeletePod(pod.name, pod.uid),), None
        if due is None or now < due:
            return Decision(status, actions, soonest(now, due, drained))
    return Decision(status, (*actions, RemoveFinalizer()) if finalizer else actions)
