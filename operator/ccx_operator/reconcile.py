"""Decide what one ClaudeExecution needs next. Pure: no I/O, no clock, no kopf.

    controller.py: observe -> decide() -> write the status, carry out the actions -> again

                    start.py        no pod, or one whose process has not started
    decide() ──>    alive.py        the container runs: stopping.py, asking.py
                    given_up.py     an attempt is over: finish.py, verdict.py; or attempts.py

It rests on facts that outlive the operator (spec, status, pod, the runner's snapshot), so a
crash between deciding and acting costs a retry and nothing else.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from ccx_api.names import FINALIZER
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.actions import (
    Action,
    ConfirmPod,
    Decision,
    DeletePod,
    RecordUsage,
    RemoveFinalizer,
)
from ccx_operator.alive import alive
from ccx_operator.attempts import is_given_up, is_of_an_earlier, is_of_another, of_this_attempt
from ccx_operator.facts import PodFacts
from ccx_operator.finish import drained_at, finished, lost_at
from ccx_operator.given_up import ended, given_up
from ccx_operator.observed import Gone, Observed, Usage
from ccx_operator.pod_name import pod_name
from ccx_operator.restored import is_copy
from ccx_operator.session_end import closes, closing
from ccx_operator.start import never_made, with_waiting_pod, without_any_pod
from ccx_operator.wanted import cancel_wanted, held_until, last_call, soonest

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
    observed = of_this_attempt(execution, observed)
    held = held_until(execution)
    if held is not None and now >= held:
        return Decision(execution.status, (RemoveFinalizer(),))
    if (stray := observed.stray) is not None:
        return Decision(execution.status, (DeletePod(stray.name, stray.uid),))
    if isinstance(observed.pod, PodFacts) and observed.pod.left_sight:
        return Decision(execution.status, (ConfirmPod(pod_name(execution)),), soonest(now, held))
    if execution.status.phase.is_terminal:
        decision = _after_the_end(execution, observed, now, node_lost)
    else:
        decision = _before_the_end(execution, observed, now, node_lost)
    call = last_call(execution)
    due = soonest(now, call if call is not None and now < call else held)
    waits = [d for d in (decision.check_after, due) if d is not None]
    return replace(decision, check_after=min(waits, default=None))


def _before_the_end(
    execution: ClaudeExecution, observed: Observed, now: datetime, node_lost: timedelta
) -> Decision:
    pod = observed.pod
    if closes(execution, observed):
        return Decision(closing(execution))
    if isinstance(pod, PodFacts) and is_of_another(execution, pod):
        return _of_another(execution, pod)
    call = last_call(execution)
    if isinstance(pod, PodFacts) and call is not None and now >= call:
        return Decision(finished(execution, pod, observed, now=now))
    if is_given_up(execution.status):
        return given_up(execution, observed, now=now, node_lost=node_lost)
    if never_made(execution, observed):
        return without_any_pod(execution, observed, now=now)
    if pod is None:
        return Decision(execution.status, (ConfirmPod(pod_name(execution)),))
    if isinstance(pod, Gone):
        return ended(execution, pod.last, observed, now=now)
    lost = lost_at(pod, node_lost)
    if pod.over or (lost is not None and now >= lost):
        return ended(execution, pod, observed, now=now)
    if pod.started:
        decision = alive(execution, pod, observed, now=now)
    else:
        decision = with_waiting_pod(execution, pod, now=now)
    waits = [d for d in (decision.check_after, soonest(now, lost)) if d is not None]
    return replace(decision, check_after=min(waits, default=None))


def _of_another(execution: ClaudeExecution, pod: PodFacts) -> Decision:
    """A leader that had been overtaken has made it, or we are the one: then our news are old."""
    cancelled = cancel_wanted(execution)
    if pod.terminating and cancelled:  # whether it goes or not: has ours been made?
        return Decision(execution.status, (ConfirmPod(pod_name(execution)),))
    if pod.terminating or not (cancelled or is_of_an_earlier(execution, pod)):
        return Decision(execution.status)
    return Decision(execution.status, (DeletePod(pod.name, pod.uid),))


def _after_the_end(
    execution: ClaudeExecution, observed: Observed, now: datetime, node_lost: timedelta
) -> Decision:
    """A terminal phase is never left. What may still run goes, and then the finalizer.

    A container whose process has ended has its time for readers: they drain it. Meanwhile what
    it has used is recorded: until then the finalizer holds it.
    """
    status, pod = execution.status, observed.pod
    finalizer = FINALIZER in execution.metadata.finalizers
    if pod is None:  # a restart: without the finalizer there is nothing left to end
        return Decision(status, (ConfirmPod(pod_name(execution)),) if finalizer else ())
    counts = finalizer and not is_copy(execution)
    actions: tuple[Action, ...] = (RecordUsage(),) if counts and observed.usage is None else ()
    due: datetime | None = None
    if isinstance(pod, PodFacts) and not pod.over:
        due, drained = lost_at(pod, node_lost), drained_at(execution)
        if not pod.terminating and (drained is None or now >= drained):
            actions, drained = (*actions, DeletePod(pod.name, pod.uid)), None
        if due is None or now < due:
            return Decision(status, actions, soonest(now, due, drained))
    if finalizer and (not counts or observed.usage is Usage.SETTLED):
        actions = (*actions, RemoveFinalizer())
    return Decision(status, actions)
