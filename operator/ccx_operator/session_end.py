"""Close the session of an execution whose gateway has gone, if that is to cancel it. Pure.

The status says so first, at the version that was decided on: a gateway that takes the session
over makes a newer version, so one of the two comes too late. Then it is a cancel like any other.
"""

from ccx_api.conditions import Reason
from ccx_api.status import ExecutionStatus
from ccx_api.v1alpha1 import ClaudeExecution, OnDisconnect
from ccx_operator.facts import PodFacts
from ccx_operator.observed import Observed, is_ending
from ccx_operator.start import never_made
from ccx_operator.wanted import cancel_wanted


def gateway_of(execution: ClaudeExecution) -> str | None:
    """None: it does not depend on any."""
    session = execution.spec.session
    if session is None or execution.spec.on_disconnect is OnDisconnect.DETACH:
        return None
    return session.gateway


def closes(execution: ClaudeExecution, observed: Observed) -> bool:
    """Not of one whose process has come to its own end: that is its outcome."""
    gateway, pod = gateway_of(execution), observed.pod
    if gateway is None or gateway != observed.silent_gateway:
        return False  # it may have been taken over since
    if cancel_wanted(execution) or is_ending(observed.snapshot):
        return False
    return never_made(execution, observed) or (isinstance(pod, PodFacts) and not pod.over)


def closing(execution: ClaudeExecution) -> ExecutionStatus:
    """Phase and conditions stay what they are until the process has ended."""
    text = f"gateway {gateway_of(execution)} has gone, and nobody has taken its session over"
    update = {
        "observed_generation": execution.metadata.generation,
        "reason": Reason.SESSION_CLOSED.value,
        "message": text,
    }
    return execution.status.model_copy(update=update)
