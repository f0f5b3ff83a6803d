"""Where an execution's output comes from: a runner's link, and what is left after its pod's end.

open() -> Link -> follow()      the runner's; after its end the archive's reader, or else the
                                pod's log if it is proven
final() -> Ended                how much there was, once nothing is left that has all of it
"""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from pydantic import ValidationError

from ccx_api.names import AGENT_CONTAINER
from ccx_api.snapshot import Snapshot
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway.archive_source import ArchiveSource
from ccx_gateway.place import attempt_of
from ccx_gateway.pod_log import LogLink, PodLog, Proof
from ccx_gateway.runner_output import Merged
from ccx_kube.errors import ApiError, KubeError
from ccx_kube.executions import Executions
from ccx_kube.link import Item, RunnerLink
from ccx_kube.pods import Pods
from ccx_kube.session import KubeSession

log = logging.getLogger(__name__)

LOOKS: Final = 5
"""How often a log may be proven: one that changes each time before it is read is no source."""


class Link(Protocol):
    """What of a RunnerLink is used here."""

    @property
    def snapshot(self) -> Snapshot: ...
    @property
    def blocks(self) -> bool: ...
    @property
    def is_open(self) -> bool: ...
    @property
    def has_next(self) -> bool:
        """What follow() is asked for next has come already."""
        ...

    def when_ended(self, call: Callable[[], None]) -> None: ...
    async def status(self) -> Snapshot: ...
    def follow(
        self, offset: int = 0, *, keep: int | None = None
    ) -> AsyncGenerator[Item | Merged, None]: ...
    async def close(self) -> None: ...


OpenLink = Callable[[str, str], Awaitable[Link]]
"""By namespace and name of the pod."""


@dataclass(frozen=True, slots=True)
class Ended:
    """Nobody runs any more who could print."""

    total: int
    """Bytes printed in all."""

    tail: bytes = b""
    """Some of what was printed last, or what the log has of it: nobody knows its offsets."""


class OutputLost(Exception):  # noqa: N818 - what is known, not what failed
    """There may have been output, and nobody can say how much."""


class Upstream(Protocol):
    async def open(self) -> Link:
        """Raise LinkLost or LinkRefused."""

    async def open_spool(self) -> Link:
        """The same, beside the first: what is read by it is not what is new."""

    async def final(self) -> Ended | None:
        """None while it may still run, or open() is worth another try for another reason.

        To be asked after open() or its link has failed. Raises OutputLost, or ApiError: then it is
        not known.
        """


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
        self._log = PodLog(session, namespace, pod)
        self._proof: Proof | None = None
        self._looks = 0
        self._archive: ArchiveSource | None = None

    async def open(self) -> Link:
        return await self._left() or await self._open_link(self._namespace, self._pod)

    async def open_spool(self) -> Link:
        left = await self._left()
        return left or await RunnerLink.open(self._session, self._namespace, self._pod)

    async def final(self) -> Ended | None:
        if self._open_archive is not None:
            return None  # its link has broken
        ended = await self._final()
        if ended is not None and self._archive is not None and self._archive.passing:
            text = f"the archive cannot be read now: {self._archive.passing}"
            raise OutputLost(f"{text}; attach again later")
        return ended

    async def _left(self) -> Link | None:
        """What there is of the output of a pod that has ended, once that is known."""
        if (archive := self._open_archive) is not None:
            return await archive.open()
        return None if self._proof is None else LogLink(self._log, self._proof)

    @property
    def _open_archive(self) -> ArchiveSource | None:
        return None if self._archive is None or self._archive.has_failed else self._archive

    async def _final(self) -> Ended | None:
        pod = await Pods(self._session).get(self._namespace, self._pod)
        if pod is not None and pod.get("status", {}).get("phase") not in ("Succeeded", "Failed"):
            return None
        last = None if pod is None else last_snapshot(pod)
        if last is None:
            return await self._by_status()
        if last.output.archived and self._archive is None:
            execution = await self._execution()
            status = execution.status
            is_to_be_told = status.pod_name == self._pod and not status.phase.is_terminal
            if is_to_be_told or self._has_archive(execution):
                return None
        return await self._by_log(last) if last.output.bytes else Ended(0)

    async def _by_status(self) -> Ended | None:
        execution = await self._execution()
        if self._has_archive(execution):
            return None
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

    async def _execution(self) -> ClaudeExecution:
        try:
            return await Executions(self._session).get(self._namespace, self._name)
        except ApiError as exc:
            if exc.is_not_found:
                raise OutputLost("execution and pod are gone") from None
            raise

    def _has_archive(self, execution: ClaudeExecution) -> bool:
        """Of this attempt, which has not been tried in vain: what open() gives from now on."""
        status, output = execution.status, execution.status.output
        is_its_own = status.phase.is_terminal and status.pod_name == self._pod
        if self._archive is not None or not is_its_own or output is None or not output.archived:
            return False
        self._archive = ArchiveSource(self._session, self._namespace, self._name, self._pod)
        return True

    async def _by_log(self, last: Snapshot) -> Ended | None:
        """None: the log is proven to be all of it, so that its offsets are exact."""
        self._proof, self._looks = None, self._looks + 1
        try:
            found = await self._log.look(last)
        except (KubeError, TimeoutError) as exc:
            log.debug("the log of a pod that has ended cannot be read: %s", exc)
            return Ended(last.output.bytes)
        if isinstance(found, bytes):
            return Ended(last.output.bytes, found)
        if self._looks > LOOKS:
            return Ended(last.output.bytes)
        self._proof = found
        return None


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
