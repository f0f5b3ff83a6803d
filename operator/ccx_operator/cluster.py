"""The Cluster of controller.py on ccx_kube: each action as calls, each answer as an outcome."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from ccx_api.names import ANNOTATION_STARTED_AS, FINALIZER
from ccx_api.snapshot import Snapshot
from ccx_api.status import ExecutionStatus
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_kube.claims import Claims
from ccx_kube.errors import (
    ApiError,
    KubeError,
    LinkRefused,
    NodeSilent,
    Unreachable,
    VersionsDiffer,
)
from ccx_kube.executions import Executions
from ccx_kube.pods import Pods
from ccx_kube.session import KubeSession
from ccx_operator.actions import (
    Action,
    AddFinalizer,
    ConfirmPod,
    CreatePod,
    DeletePod,
    Deliver,
    Look,
    RecordUsage,
    RemoveFinalizer,
    SetFirstWish,
)
from ccx_operator.controller import ConflictError
from ccx_operator.facts import MAX_MESSAGE, PodFacts, pod_facts
from ccx_operator.first_wish import first_wish
from ccx_operator.links import Links, Place
from ccx_operator.observed import RefusalKind, is_ending
from ccx_operator.outcomes import (
    Heard,
    ObjectGone,
    Outcome,
    PodGoing,
    PodGone,
    PodSeen,
    PodUnsure,
    Refused,
    Unanswered,
    UsageAsked,
    Written,
)
from ccx_operator.owner import controller_of
from ccx_operator.pod_spec import Images, pod_body
from ccx_operator.site_template import with_template
from ccx_operator.workspace import claim_body

log = logging.getLogger(__name__)

Body = dict[str, Any]

_PASSING: Final = (
    "exceeded quota",
    "status unknown for quota",
    "error looking up service account",
)
"""Forbidden for now: in the words of the server's admission."""

_FOR_GOOD: Final = frozenset({400, 403, 404, 413, 422})
"""Answers to a creation that another try would get again, but for a quota."""


class KubeCluster:
    def __init__(
        self,
        session: KubeSession,
        links: Links,
        images: Images,
        *,
        template: Body | None = None,
        tell: Callable[[str, Body], None],
        record_usage: Callable[[ClaudeExecution], None],
    ) -> None:
        self._record_usage = record_usage
        self._executions, self._pods = Executions(session), Pods(session)
        self._claims = Claims(session)
        self._links, self._images, self.tell = links, images, tell
        self._template = template or {}

    async def carry_out(self, action: Action, execution: ClaudeExecution) -> Outcome:
        namespace = execution.metadata.namespace
        match action:
            case AddFinalizer():
                return await self._finalizers(execution, wanted=True)
            case RemoveFinalizer():
                return await self._finalizers(execution, wanted=False)
            case RecordUsage():
                self._record_usage(execution)
                return UsageAsked()
            case CreatePod():
                return await self._create(execution)
            case DeletePod(name, uid):
                await self._pods.delete(namespace, name, uid)
                return PodGoing()
            case ConfirmPod(name, since):
                seen = await self._confirm(execution, name)
                return seen or PodGone(await self._gone_since(execution, name, since))
            case SetFirstWish(name, uid):
                return await self._set_first_wish(execution, name, uid)
            case Look(name, uid):
                place = Place(execution.metadata.uid, namespace, name, uid)
                look = partial(self._links.look, place)
                return await self._ask(place, look, execution.metadata.generation)
            case Deliver(name, uid, verb, wish):
                place = Place(execution.metadata.uid, namespace, name, uid)
                deliver = partial(self._links.deliver, place, verb, wish)
                return await self._ask(place, deliver, wish.generation)

    async def patch_status(
        self, execution: ClaudeExecution, status: ExecutionStatus
    ) -> ClaudeExecution | None:
        return await _written(self._executions.patch_status(execution, status))

    async def read(self, execution: ClaudeExecution) -> ClaudeExecution | None:
        """None also if another object has taken its name."""
        metadata = execution.metadata
        found = await _written(self._executions.get(metadata.namespace, metadata.name))
        return found if found is not None and found.metadata.uid == metadata.uid else None

    async def _finalizers(self, execution: ClaudeExecution, *, wanted: bool) -> Outcome:
        others = tuple(name for name in execution.metadata.finalizers if name != FINALIZER)
        finalizers = (*others, FINALIZER) if wanted else others
        mark = {ANNOTATION_STARTED_AS: execution.metadata.uid} if wanted else None
        written = await _written(self._executions.set_finalizers(execution, finalizers, mark))
        return ObjectGone() if written is None else Written(written)

    async def _create(self, execution: ClaudeExecution) -> Outcome:
        claim = claim_body(execution)
        body = pod_body(with_template(execution, self._template), self._images)
        if claim is not None and (refused := await self._claim(execution, claim)) is not None:
            return refused
        try:
            return PodSeen(pod_facts(await self._pods.create(execution.metadata.namespace, body)))
        except Unreachable as exc:
            log.warning("no answer to the creation of a pod: %s", exc)
            return PodUnsure(execution.metadata.resource_version)
        except ApiError as exc:
            if not exc.is_already_exists:
                return Refused(refusal_kind(exc), exc.message[:MAX_MESSAGE])
        name = body["metadata"]["name"]
        ours = await self._confirm(execution, name)
        if ours is not None:
            return ours  # made before a crash, or by a request whose answer was lost
        return Refused(RefusalKind.NAME_TAKEN, f"pod {name} belongs to somebody else")

    async def _set_first_wish(self, execution: ClaudeExecution, name: str, uid: str) -> Outcome:
        namespace = execution.metadata.namespace
        body = await self._pods.annotate(namespace, name, uid, first_wish(execution))
        if body is None:
            return await self._confirm(execution, name) or PodGone()
        return PodSeen(pod_facts(body))

    async def _claim(self, execution: ClaudeExecution, body: dict[str, Any]) -> Refused | None:
        """Before every pod of it: the first makes it."""
        name, namespace = body["metadata"]["name"], execution.metadata.namespace
        try:
            await self._claims.create(namespace, body)
        except ApiError as exc:
            if not exc.is_already_exists:
                text = f"its workspace's claim {name}: {exc.message}"
                return Refused(refusal_kind(exc), text[:MAX_MESSAGE])
        else:
            return None
        claim = await self._claims.get(namespace, name)
        if controller_of(claim["metadata"]) == execution.metadata.uid:
            return None
        return Refused(RefusalKind.NAME_TAKEN, f"claim {name} belongs to somebody else")

    async def _confirm(self, execution: ClaudeExecution, name: str) -> PodSeen | None:
        """Only the pod whose controller is this very execution."""
        body = await self._pods.get(execution.metadata.namespace, name)
        pod = pod_facts(body) if body is not None else None
        return PodSeen(pod) if pod is not None and pod.owner_uid == execution.metadata.uid else None

    async def _gone_since(
        self, execution: ClaudeExecution, name: str, since: str | None
    ) -> PodFacts | None:
        """A pod of ours that nobody has heard of. The server remembers some minutes at best."""
        if since is None:
            return None
        try:
            gone = await self._pods.gone_since(execution.metadata.namespace, name, since)
        except Unreachable:
            raise
        except ApiError as exc:
            log.info("whether there was a pod %s is not known any more: %s", name, exc)
            return None
        pods = [pod_facts(body) for body in gone]
        return next((pod for pod in pods if pod.owner_uid == execution.metadata.uid), None)

    async def _ask(
        self, place: Place, ask: Callable[[], Awaitable[Snapshot]], generation: int
    ) -> Outcome:
        try:
            return Heard(await ask())
        except VersionsDiffer as exc:
            await self._links.drop(place)
            return Unanswered(str(exc)[:MAX_MESSAGE], versions_differ=True)
        except LinkRefused as exc:
            # Where it has a newer wish than ours its snapshot says so, and our watch lags.
            newest = self._links.newest(place)
            if newest is not None and (is_ending(newest) or newest.generation >= generation):
                return Heard(newest)
            return Unanswered(str(exc)[:MAX_MESSAGE])
        except (KubeError, OSError, TimeoutError) as exc:
            await self._links.drop(place)
            words = str(exc)[:MAX_MESSAGE] or type(exc).__name__
            return Unanswered(words, node_is_silent=isinstance(exc, NodeSilent))


def refusal_kind(exc: ApiError) -> RefusalKind:
    """Raise what says nothing about this pod: who we are, how busy the server is, no answer."""
    if isinstance(exc, Unreachable) or exc.status in (401, 409, 429):
        raise exc
    about_us = exc.status == 403 and "cannot create resource" in exc.message  # not about the pod
    in_words = any(words in exc.message for words in _PASSING)
    passing = exc.status not in _FOR_GOOD or about_us or in_words
    return RefusalKind.QUOTA if passing else RefusalKind.REJECTED


async def _written(call: Awaitable[ClaudeExecution]) -> ClaudeExecution | None:
    try:
        return await call
    except ApiError as exc:
        if exc.is_not_found:
            return None
        if exc.is_conflict:
            raise ConflictError from exc
        raise
