"""Whose session an execution is: taking it over, and letting go of it.

    execution, session, gateway -> takeover(), closing() -> a patch of its spec, or none

Every patch is made at the version that was decided on. So of two gateways, or of a gateway and
the operator that closes the session, one comes too late, and sees that.
"""

from typing import Any, Final

from ccx_api.conditions import Reason
from ccx_api.v1alpha1 import ClaudeExecution, DesiredState, OnDisconnect
from ccx_kube.errors import ApiError
from ccx_kube.executions import Executions

Patch = dict[str, Any]

TRIES: Final = 8
"""The operator writes at most so often while a process starts; each write is a conflict."""


class SessionRefused(Exception):  # noqa: N818 - an answer, not a failure
    """Why an execution cannot be served for this session. Fit for the client."""


def takeover(execution: ClaudeExecution, session_id: str, gateway: str) -> Patch | None:
    """None: nothing is to be written, for it is this gateway's already or is at its end."""
    session, status = execution.spec.session, execution.status
    if session is not None and session.id != session_id:
        raise SessionRefused("the execution belongs to another session")
    if status.phase.is_terminal or execution.spec.desired_state is DesiredState.CANCELLED:
        return None
    if status.reason == Reason.SESSION_CLOSED:
        raise SessionRefused("the session was closed before it was taken over")
    if session is not None and session.gateway == gateway:
        return None
    return {"session": {"id": session_id, "gateway": gateway}}


def closing(execution: ClaudeExecution, session_id: str, gateway: str) -> Patch | None:
    """What to write when the client has left for good. None: it goes on, or is not ours to end."""
    spec, session = execution.spec, execution.spec.session
    if session is None or (session.id, session.gateway) != (session_id, gateway):
        return None
    if execution.status.phase.is_terminal or spec.desired_state is DesiredState.CANCELLED:
        return None
    if spec.on_disconnect is OnDisconnect.DETACH:
        return None
    return {"desiredState": DesiredState.CANCELLED.value, "session": {"gateway": None}}


async def take_over(
    executions: Executions, execution: ClaudeExecution, session_id: str, gateway: str
) -> ClaudeExecution:
    """The execution as it is once this gateway serves its session."""
    metadata = execution.metadata
    for _ in range(TRIES):
        if (patch := takeover(execution, session_id, gateway)) is None:
            return execution
        try:
            return await executions.change_spec(execution, patch)
        except ApiError as exc:
            if not exc.is_conflict:
                raise
        execution = await executions.get(metadata.namespace, metadata.name)
        if execution.metadata.uid != metadata.uid:
            raise SessionRefused("the execution was deleted, and another one has its name")
    raise SessionRefused(f"the execution has changed {TRIES} times meanwhile: try again")
