"""Where an execution's output comes from: a runner's link, and what is left after its pod's end.

open() -> Link -> follow()      final() -> Final: how much there was, and the pod log if it is exact
"""

import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pydantic import ValidationError

from ccx_api.names import AGENT_CONTAINER
from ccx_api.snapshot import Snapshot
from ccx_gateway.output_window import CAPACITY
from ccx_gateway.place import attempt_of
from ccx_kube.errors import ApiError
from ccx_kube.executions import Executions
from ccx_kube.link import Item, RunnerLink
from ccx_kube.objects import object_path
from ccx_kube.pods import Pods
from ccx_kube.session import KubeSession

MAX_LOG: Final = CAPACITY
"""Bytes of a pod log that are read, to be late output."""


class Link(Protocol):
    """What of a RunnerLink is used here."""

    @property
    def snapshot(self) -> Snapshot: ...
    @property
    def blocks(self) -> bool: ...
    @property
    def is_open(self) -> bool: ...
    def when_ended(self, call: Callable[[], None]) -> None: ...
    async def status(self) -> Snapshot: ...
    def follow(self, offset: int = 0, *, keep: int | None = None) -> AsyncGenerator[Item, None]: ...
    async def close(self) -> None: ...


OpenLink = Callable[[str, str], Awaitable[Link]]
"""By namespace and name of the pod."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Nobody runs any more who could print."""

    total: int
    """Bytes printed in all."""

    log: bytes | None = None
    """All of them, or None: then nobody has what the window has not."""


class OutputLost(Exception):  # noqa: N818 - what is known, not what failed
    """There may have been output, and nobody can say how much."""


class Upstream(Protocol):
    async def open(self) -> Link:
        """Raise LinkLost or LinkRefused."""

    async def open_spool(self) -> Link:
        """The same, beside the first: what is read by it is not what is new."""

    async def final(self) -> Ended | None:
        """None while it may still run. Raises OutputLost, or ApiError: then it is not known."""


class PodUpstream:
    def __init__(
        self,
        session: KubeSession,
        namespace: str,
        name: str,
        pod: str,
        open_link: OpenLink,
    ) -> None:
        self._session, self._open_link = session, open_link
        self._namespace, self._name, self._pod = namespace, name, pod

    async def open(self) -> Link:
        return await self._open_link(self._namespace, self._pod)

    async def open_spool(self) -> Link:
        return await RunnerLink.open(self._session, self._namespace, self._pod)

    async def final(self) -> Ended | None:
        pod = await Pods(self._session).get(self._namespace, self._pod)
        if pod is not None and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed"):
            return None
        last = None if pod is None else last_snapshot(pod)
        if last is None:
            return await self._by_status()
        if 0 < last.output.bytes <= MAX_LOG and last.mirror.sha256 == last.output.sha256:
            return Ended(last.output.bytes, await self._log(last))
        return Ended(last.output.bytes)

    async def _by_status(self) -> Ended | None:
        try:
            execution = await Executions(self._session).get(self._namespace, self._name)
        except ApiError as exc:
            if exc.is_not_found:
                raise OutputLost("execution and pod are gone") from None
            raise
        status, ended = execution.status, execution.status.ended_attempts
        newest = attempt_of(execution)
        if self._pod.endswith(f"-{newest}"):
            process = status.process
            if status.output is not None and process is not None and process.state == "Ended":
                return Ended(status.output.bytes)
            if not status.phase.is_terminal:
                return None  # the operator has still to say what came of the pod
            if process is None:
                return Ended(0)
        elif self._pod.endswith(f"-{newest - 1}") and ended and ended.output_bytes is not None:
            return Ended(ended.output_bytes)
        text = f"pod {self._pod} went without a last word of its runner"
        raise OutputLost(f"{text}: whether it had printed more is not known")

    async def _log(self, last: Snapshot) -> bytes | None:
        """Only what is proven to be the whole output: then its offsets are exact."""
        path = object_path("/api/v1", self._namespace, "pods", self._pod, "log")
        params = [("container", AGENT_CONTAINER), ("limitBytes", str(MAX_LOG + 1))]
        found = bytearray()
        try:
            async with self._session.stream("GET", path, params=params) as answer:
                async for piece in answer.content.iter_any():
                    found += piece
                    if len(found) > MAX_LOG:
                        return None
        except ApiError:
            return None
        exact = hashlib.sha256(found).hexdigest() == last.output.sha256
        return bytes(found) if exact and len(found) == last.output.bytes else None


def last_snapshot(pod: dict[str, Any]) -> Snapshot | None:
    """What the runner wrote as termination message, if it did."""
    for container in pod.get("status", {}).get("containerStatuses", ()):
        if container.get("name") == AGENT_CONTAINER:
            terminated = container.get("state", {}).get("terminated") or {}
            first, _, _ = terminated.get("message", "").partition("\n")
            try:
                return Snapshot.model_validate_json(first)
            except ValidationError:
                return None
    return None
