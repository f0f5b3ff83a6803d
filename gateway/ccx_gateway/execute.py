"""execute: from the parameters to a process that runs.

allow-list -> slot -> permission -> create, or find by idempotency key -> follow -> pid -> answer

"""

import asyncio
from dataclasses import dataclass
from typing import Final

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway.access_rules import needs
from ccx_gateway.beginning import Process
from ccx_gateway.errors import GatewayError, InvalidParams, StreamTimeout
from ccx_gateway.execution_body import Body, argv_of, execution_body, is_same_task
from ccx_gateway.following import Following
from ccx_gateway.outbox import Outbox
from ccx_gateway.params import Execute
from ccx_gateway.permission import Permission
from ccx_gateway.place import place
from ccx_gateway.services import Services
from ccx_gateway.session import Session
from ccx_gateway.takeover import SessionRefused
from ccx_kube.errors import ApiError

OPERATOR_SECONDS: Final = 30
"""Beyond startDeadlineSeconds, within which the operator itself ends what does not start."""


@dataclass(frozen=True, slots=True)
class Started:
    following: Following
    process: Process | None
    """None: spec.suspend holds it."""


class Executor:
    def __init__(
        self,
        services: Services,
        session: Session,
        outbox: Outbox,
        permission: Permission,
        *,
        operator_seconds: float = OPERATOR_SECONDS,
    ) -> None:
        self._services, self._session, self._outbox = services, session, outbox
        self._permission, self._operator_seconds = permission, operator_seconds

    async def execute(self, params: Execute) -> Started:
        """The process runs, or has run, or is held by spec.suspend: then its start is told when it
        comes. Nothing is sent before begin().
        """
        argv = argv_of(params)
        self._services.allow_list.check(argv)
        namespace = params.namespace or self._services.namespace
        needed = needs("execute", namespace)
        slot = self._session.reserve(rests_on=needed[0])
        following: Following | None = None
        try:
            await self._permission.need("execute", needed)
            execution = await self._make(params, argv, namespace)
            following = self._services.following(execution, slot, self._session, self._outbox)
            slot.made.set_result(following)
            suspended, begins = execution.spec.suspend, place(None, 0, execution)
            view = params.view(self._session.output)
            following.start(begins, view, told=not suspended)
            if suspended:
                return Started(following, None)
            return await self._process(following)
        except BaseException as exc:
            known = exc if isinstance(exc, GatewayError) else None
            if following is None:
                self._session.release(slot, known)
            elif isinstance(exc, Exception):  # else the socket closes, and all with it
                await following.end()
            raise

    async def _make(
        self, params: Execute, argv: tuple[str, ...], namespace: str
    ) -> ClaudeExecution:
        session = await self._services.keeper.begin(self._session.id)
        owner = session.model_dump(mode="json", exclude_none=True)
        body = execution_body(
            params, argv, namespace=namespace, session=owner, user=self._permission.user
        )
        try:
            made = await self._services.executions.create(namespace, body)
        except ApiError as exc:
            made = await self._made_before(params, body, exc)
        try:
            return await self._services.keeper.claim(made, self._session.id)
        except SessionRefused as exc:
            raise InvalidParams(f"idempotencyKey: {exc}") from None

    async def _made_before(self, params: Execute, body: Body, exc: ApiError) -> ClaudeExecution:
        """By the same key: what a client gets that has not heard the answer to its first try."""
        if not exc.is_already_exists:
            raise exc
        if params.idempotency_key is None:
            raise InvalidParams(
                "name: there is an execution of that name; choose another one, or attach to it"
            )
        metadata = body["metadata"]
        found = await self._services.executions.get(metadata["namespace"], metadata["name"])
        session = found.spec.session
        if session is None or session.id not in self._session.ids:  # somebody else's, perhaps
            place = metadata["namespace"], metadata["name"]
            await self._permission.need("execute", needs("execute", *place, takes_over=True))
        if not is_same_task(body, found.spec):
            raise InvalidParams("idempotencyKey: was used for something else, choose another one")
        return found

    async def _process(self, following: Following) -> Started:
        limit = following.execution.spec.start_deadline_seconds + self._operator_seconds
        try:
            async with asyncio.timeout(limit):
                placed = await asyncio.shield(following.placed)
                return Started(following, await self._services.beginning.of(placed))
        except TimeoutError:
            metadata = following.execution.metadata
            wish = {"desiredState": "Cancelled"}
            await self._services.executions.patch_spec(metadata.namespace, metadata.name, wish)
            raise StreamTimeout(f"no process within {limit:g} s: it is cancelled") from None
