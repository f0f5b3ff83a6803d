"""`ccx-operator --release-finalizers`: for an uninstall, when no operator will do it any more.

stop() the operator, where asked -> list -> our finalizer taken off each -> done. Processes are not
ended by this: that is what the deletion of an execution does to its pod.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final, Protocol

from ccx_api.names import FINALIZER
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_kube.answers import Object
from ccx_kube.deployments import Deployments
from ccx_kube.errors import ApiError
from ccx_kube.executions import Executions
from ccx_kube.pods import Pods
from ccx_kube.session import KubeSession

log = logging.getLogger(__name__)

TRIES: Final = 5
"""Of one execution that somebody else keeps changing."""

STOP_SECONDS: Final = 90.0
"""For the operator's pods to end, with a grace of 30 s each."""

LOOK_SECONDS: Final = 1.0


class StillRunsError(Exception):
    pass


class Scales(Protocol):
    async def selector(self, namespace: str, name: str) -> str | None: ...
    async def scale(self, namespace: str, name: str, replicas: int) -> None: ...


class ListsPods(Protocol):
    def listed(
        self, label_selector: str, namespace: str | None = None
    ) -> AsyncGenerator[Object, None]: ...


class HoldsExecutions(Protocol):
    def listed(self, namespace: str | None = None) -> AsyncGenerator[ClaudeExecution, None]: ...
    async def get(self, namespace: str, name: str) -> ClaudeExecution: ...
    async def set_finalizers(
        self, execution: ClaudeExecution, finalizers: Sequence[str]
    ) -> ClaudeExecution: ...


async def release(namespaces: Sequence[str], deployment: str | None = None) -> int:
    """Of all namespaces if none is given. How many were held.

    `deployment` is the operator's: while it runs, it puts the finalizer on what runs.
    """
    async with await KubeSession.from_environment() as session:
        if deployment is not None:
            await stop(Deployments(session), Pods(session), session.namespace, deployment)
        return await release_all(Executions(session), namespaces)


async def release_all(executions: HoldsExecutions, namespaces: Sequence[str]) -> int:
    held = 0
    for namespace in namespaces or (None,):
        async with aclosing(executions.listed(namespace)) as listed:
            async for execution in listed:
                if FINALIZER in execution.metadata.finalizers:
                    await _release(executions, execution)
                    held += 1
    log.info("%d executions were held by the finalizer, and are no more", held)
    return held


async def stop(
    deployments: Scales,
    pods: ListsPods,
    namespace: str,
    name: str,
    *,
    seconds: float = STOP_SECONDS,
    look: float = LOOK_SECONDS,
) -> None:
    """Until none of its pods is left. That it is not there is success."""
    selector = await deployments.selector(namespace, name)
    if selector is None:
        return
    await deployments.scale(namespace, name, 0)
    left: list[str] = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                left = await _running(pods, selector, namespace)
                if not left:
                    return
                await asyncio.sleep(look)
    except TimeoutError:
        told = f"{namespace}/{name} still runs after {seconds:g} s: {', '.join(left)}"
        raise StillRunsError(told) from None


async def _running(pods: ListsPods, selector: str, namespace: str) -> list[str]:
    async with aclosing(pods.listed(selector, namespace)) as listed:
        return [
            pod["metadata"]["name"]
            async for pod in listed
            if pod.get("status", {}).get("phase") not in ("Failed", "Succeeded")
        ]


async def _release(executions: HoldsExecutions, execution: ClaudeExecution) -> None:
    """That it has gone is success."""
    metadata = execution.metadata
    for tries_left in reversed(range(TRIES)):
        others = [name for name in execution.metadata.finalizers if name != FINALIZER]
        try:
            await executions.set_finalizers(execution, others)
            return
        except ApiError as exc:
            if exc.is_not_found:
                return
            if not exc.is_conflict or not tries_left:
                raise
        try:
            execution = await executions.get(metadata.namespace, metadata.name)
        except ApiError as exc:
            if exc.is_not_found:
                return
            raise
