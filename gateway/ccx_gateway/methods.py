"""The methods of the wire: parameters -> use case -> result, and what is told after it.

execute, control        the original's
configure               what may change while it runs
attach, detach, credit  watch any execution by offset, and take a session over
status, list            what the operator says
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Final

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway import audit, notifications
from ccx_gateway.access_rules import needs
from ccx_gateway.attach import Attacher
from ccx_gateway.control import DONE, Proof
from ccx_gateway.dispatch import Done
from ccx_gateway.errors import Forbidden, InvalidParams, MethodNotFound, error_object
from ccx_gateway.execute import Executor, Started
from ccx_gateway.execution_body import argv_of, check
from ccx_gateway.following import Following
from ccx_gateway.jsonrpc import Params
from ccx_gateway.metrics import UNKNOWN
from ccx_gateway.outbox import Outbox
from ccx_gateway.params import Attach, Configure, Control, Credit, Execute, List, Target, parse
from ccx_gateway.permission import Permission
from ccx_gateway.services import Services
from ccx_gateway.session import Session
from ccx_kube.reviews import Access

MAX_METHOD: Final = 64
"""Characters of an unknown method's name that are told back."""

CUT_SECONDS: Final = 1.0
"""How long a client may take to read that one of its streams is over."""


class Methods:
    """Of one socket."""

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
        self._executor = Executor(services, session, outbox, permission)
        self._attacher = Attacher(services, session, outbox, permission, who)

    async def call(self, method: str, params: Params) -> Done:
        carry_out, began = METHODS.get(method), time.monotonic()
        known = method if carry_out is not None else UNKNOWN
        try:
            await self._permission.check(known)
            if carry_out is None:
                raise MethodNotFound(f"Unknown method: {method[:MAX_METHOD]}")
            done = await carry_out(self, params)
        except Exception as exc:
            seconds = time.monotonic() - began
            self._services.metrics.called(known, error_object(exc)["code"], seconds)
            raise
        self._services.metrics.called(known, 0, time.monotonic() - began)
        return done

    async def execute(self, params: Params) -> Done:
        wanted, program = None, ""
        try:
            wanted = parse(Execute, params)
            program = next(iter(argv_of(wanted)), "")
            started = await self._executor.execute(wanted)
        except Forbidden:
            raise  # has been told to the audit
        except Exception as exc:
            audit.failed(self._who, "execute", exc, program=program)
            raise
        metadata = started.following.execution.metadata
        audit.allowed(self._who, "execute", metadata.namespace, metadata.name, program)
        told = notifications.answered(started.following.execution, started.process)
        return Done(told, partial(self._has_started, started))

    async def control(self, params: Params) -> Done:
        wanted = parse(Control, params)
        try:
            namespace, name, following = await self._target("control", wanted.type.value, wanted)
            # What is followed here is known: one request less between the wish and the act.
            execution = following.execution if following else await self._get(namespace, name)
        except Forbidden:
            raise  # has been told to the audit
        except Exception as exc:
            audit.failed(self._who, wanted.type.value, exc)
            raise
        if following is not None:
            following.control_begins()
        try:
            with self._services.metrics.control(wanted.type.value.lower()):
                proof = await self._services.control.carry_out(execution, wanted.type)
        except BaseException as exc:
            if following is not None:
                following.control_ends()
            if isinstance(exc, Exception):
                audit.failed(self._who, wanted.type.value, exc)
            raise
        metadata = execution.metadata
        audit.allowed(self._who, wanted.type.value, metadata.namespace, metadata.name)
        status = DONE[wanted.type]
        told = partial(self._controlled, status, execution, following, proof)
        return Done(notifications.proven(status, execution, proof), told)

    async def configure(self, params: Params) -> Done:
        try:
            wanted = parse(Configure, params)
            check(wanted.changes)
            namespace, name, _ = await self._target("configure", "configure", wanted)
            changed = await self._services.configuring.change(namespace, name, wanted.changes)
        except Forbidden:
            raise  # has been told to the audit
        except Exception as exc:
            audit.failed(self._who, "configure", exc)
            raise
        audit.allowed(self._who, "configure", namespace, name)
        return Done(notifications.summary(changed))

    async def attach(self, params: Params) -> Done:
        attached = await self._attacher.attach(parse(Attach, params))
        following, begins = attached.following, attached.begins

        async def begin() -> None:
            following.begin()

        told = {"attempt": begins.attempt, "offset": begins.offset}
        return Done(notifications.summary(following.execution) | told, begin)

    async def detach(self, params: Params) -> Done:
        following = await self._followed(parse(Target, params))
        await self._detach(following)
        return Done({"status": "detached", **notifications.identity(following.execution)})

    async def credit(self, params: Params) -> Done:
        wanted = parse(Credit, params)
        following = await self._followed(wanted)
        following.grant(wanted.bytes)
        return Done({"status": "granted", **notifications.identity(following.execution)})

    async def status(self, params: Params) -> Done:
        namespace, name, _ = await self._target("status", "status", parse(Target, params))
        execution = await self._get(namespace, name)
        return Done(notifications.summary(execution))

    async def list(self, params: Params) -> Done:
        wanted = parse(List, params)
        namespace = wanted.namespace or self._services.namespace
        await self._permission.need("list", needs("list", namespace))
        found = await self._services.executions.list(namespace)
        newest = sorted(found, key=_age, reverse=True)
        if wanted.scope == "session":
            ids = self._session.ids
            newest = [e for e in newest if e.spec.session and e.spec.session.id in ids]
        items = [notifications.summary(execution) for execution in newest[: wanted.limit]]
        return Done({"executions": items, "total": len(newest)})

    async def cut(self, following: Following, access: Access, why: Forbidden) -> None:
        """A stream whose right has been taken away."""
        audit.denied(self._who, "attach", access)
        await self._detach(following)
        told = {"error": str(why), **notifications.identity(following.execution)}
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(CUT_SECONDS):
                await self._outbox.notify("process.error", told)

    async def _target(
        self, method: str, action: str, target: Target
    ) -> tuple[str, str, Following | None]:
        """Namespace and name, once they may be used, and how it is followed here."""
        following = None
        if target.execution is None:
            following = await self._session.only().wait()
            metadata = following.execution.metadata
            namespace, name = metadata.namespace, metadata.name
        else:
            namespace, name = target.namespace or self._services.namespace, target.execution
            slot = self._session.find(namespace, name)
            following = slot.made.result() if slot is not None else None
        await self._permission.need(action, needs(method, namespace, name))
        return namespace, name, following

    async def _get(self, namespace: str, name: str) -> ClaudeExecution:
        return await self._services.executions.get(namespace, name)

    async def _detach(self, following: Following) -> None:
        self._session.detached(following)
        await following.detach()
        if not self._session.owns(following):
            await following.end()

    async def _followed(self, target: Target) -> Following:
        if target.execution is None:
            return await self._session.only().wait()
        namespace = target.namespace or self._services.namespace
        slot = self._session.find(namespace, target.execution)
        if slot is None:
            raise InvalidParams("execution: is not followed here, attach to it first")
        return slot.made.result()

    async def _has_started(self, started: Started) -> None:
        following, process = started.following, started.process
        if process is not None:
            told = notifications.started(following.execution, process)
            await self._outbox.notify("process.started", told)
        following.begin(attempt=process.attempt if process is not None else 0)

    async def _controlled(
        self, status: str, execution: ClaudeExecution, following: Following | None, proof: Proof
    ) -> None:
        try:
            name = notifications.identity(execution)
            told = notifications.process(status, proof.pid, proof.pgid, **name)
            await self._outbox.notify(f"process.{status}", told)
        finally:
            if following is not None:
                following.control_ends()


METHODS: Final[dict[str, Callable[[Methods, Params], Awaitable[Done]]]] = {
    "execute": Methods.execute,
    "control": Methods.control,
    "configure": Methods.configure,
    "attach": Methods.attach,
    "detach": Methods.detach,
    "credit": Methods.credit,
    "status": Methods.status,
    "list": Methods.list,
}


def _age(execution: ClaudeExecution) -> float:
    made = execution.metadata.creation_timestamp
    return made.timestamp() if made is not None else 0.0
