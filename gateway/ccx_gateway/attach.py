"""attach: from an execution's name to a stream of its output, and to its session if that is named.

slot -> permission -> execution -> place in its output -> taken over -> follow
"""

from dataclasses import dataclass

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway import audit
from ccx_gateway.access_rules import needs
from ccx_gateway.errors import GatewayError, InvalidParams
from ccx_gateway.following import Following
from ccx_gateway.outbox import Outbox
from ccx_gateway.params import Attach
from ccx_gateway.permission import Permission
from ccx_gateway.place import Place, attempt_of, place
from ccx_gateway.services import Services
from ccx_gateway.session import Session
from ccx_gateway.takeover import SessionRefused


@dataclass(frozen=True, slots=True)
class Attached:
    following: Following
    begins: Place


class Attacher:
    def __init__(
        self,
        services: Services,
        session: Session,
        outbox: Outbox,
        permission: Permission,
        who: audit.Who,
    ) -> None:
        self._services, self._session, self._outbox = services, session, outbox
        self._permission, self._who = permission, who

    async def attach(self, wanted: Attach) -> Attached:
        """Nothing is sent before begin()."""
        namespace = wanted.namespace or self._services.namespace
        if self._session.find(namespace, wanted.execution) is not None:
            raise InvalidParams("execution: is followed here already, detach it first")
        takes_over = wanted.session_id is not None
        needed = needs("attach", namespace, wanted.execution, takes_over=takes_over)
        slot = self._session.reserve(owned=takes_over, rests_on=needed[0])
        try:
            await self._permission.need("attach", needed)
            execution = await self._services.executions.get(namespace, wanted.execution)
            begins = _place(wanted, execution)
            if wanted.session_id is not None:
                execution = await self._take_over(execution, wanted.session_id)
        except BaseException as exc:
            self._session.release(slot, exc if isinstance(exc, GatewayError) else None)
            raise
        following = self._services.following(execution, slot, self._session, self._outbox)
        slot.made.set_result(following)
        following.start(begins, wanted.view(self._session.output))
        if begins.offset:
            self._services.metrics.stream.resumed("client")
        return Attached(following, begins)

    async def _take_over(self, execution: ClaudeExecution, session_id: str) -> ClaudeExecution:
        try:
            taken = await self._services.keeper.take_over(execution, session_id, self._session.id)
        except SessionRefused as exc:
            audit.failed(self._who, "attach", exc)
            raise InvalidParams(f"sessionId: {exc}") from None
        self._session.ids.add(session_id)
        metadata = taken.metadata
        audit.allowed(self._who, "attach", metadata.namespace, metadata.name)
        return taken


def _place(wanted: Attach, execution: ClaudeExecution) -> Place:
    found, newest = place(wanted.attempt, wanted.start, execution), attempt_of(execution)
    if found.attempt > newest:
        raise InvalidParams(f"attempt: there is no attempt {found.attempt}, the newest is {newest}")
    return found
