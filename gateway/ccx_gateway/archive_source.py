"""A link to what the archive of an execution has, through a pod that the operator makes for that.

open(): a wish on the execution -> the reader runs -> RunnerLink

We may make no pods. The wish is an annotation, which the operator takes away when it is fulfilled;
a reader ends a minute after its last link, so it may be wished for again.
"""

import asyncio
import logging
from typing import Any, Final

from ccx_api.names import AGENT_CONTAINER, ANNOTATION_READ, reader_of
from ccx_kube.errors import ApiError, KubeError, LinkLost
from ccx_kube.executions import Executions
from ccx_kube.link import RunnerLink
from ccx_kube.pods import Pods
from ccx_kube.session import KubeSession

log = logging.getLogger(__name__)

START_SECONDS: Final = 120.0
"""For a reader to run and to have proven what it reads; a second a GiB or two of that."""

WISH_AGAIN_SECONDS: Final = 10.0
LOOK_SECONDS: Final = 0.25
_FOR_GOOD: Final = frozenset({400, 401, 403, 404})
OPENS: Final = 100
"""Links in all: one that breaks each time is no source."""


class ArchiveSource:
    """Of one execution that has ended, as long as somebody watches it."""

    def __init__(
        self,
        session: KubeSession,
        namespace: str,
        name: str,
        pod: str,
        *,
        start_seconds: float = START_SECONDS,
    ) -> None:
        self.has_failed = False
        """There is nothing to be had by it."""

        self.passing = ""
        """Why, where that says nothing of the archive: it may be had later."""

        self._session = session
        self._executions, self._pods = Executions(session), Pods(session)
        self._namespace, self._name, self._reader = namespace, name, reader_of(pod)
        self._opens, self._start_seconds = 0, start_seconds
        self._before: str | None = None
        self._wish_again_at = 0.0
        self._turn = asyncio.Lock()

    async def open(self) -> RunnerLink:
        """Raises LinkLost, for good: another source is to be tried."""
        async with self._turn:
            if self.has_failed:
                raise LinkLost("the archive cannot be read")
            try:
                self._opens += 1
                if self._opens > OPENS:
                    raise LinkLost(f"{OPENS} links to it have ended before its end")
                async with asyncio.timeout(self._start_seconds):
                    return await self._open()
            except TimeoutError:
                self.passing = f"no pod could read it within {self._start_seconds:g} s"
                raise self._failed(self.passing) from None
            except KubeError as exc:
                raise self._failed(str(exc)) from exc

    def _failed(self, words: str) -> LinkLost:
        self.has_failed = True
        log.warning("archive of %s/%s: %s", self._namespace, self._name, words)
        return LinkLost(f"the archive cannot be read: {words}")

    async def _open(self) -> RunnerLink:
        while True:
            try:
                if (link := await self._look()) is not None:
                    return link
            except ApiError as exc:
                if exc.status in _FOR_GOOD:
                    raise
                log.debug("the API server does not answer as it should: %s", exc)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> RunnerLink | None:
        """None: a reader is to come, or does not listen yet."""
        pod = await self._pods.get(self._namespace, self._reader)
        phase = (pod or {}).get("status", {}).get("phase")
        if self._before is None:
            self._before = _uid_of(pod)
        if phase == "Running":
            return await self._link()
        if pod is not None and phase == "Failed" and _uid_of(pod) != self._before:
            raise LinkLost(_last_words(pod))
        now = asyncio.get_running_loop().time()
        if phase in (None, "Succeeded", "Failed") and now > self._wish_again_at:
            self._wish_again_at = now + WISH_AGAIN_SECONDS
            await self._wish()
        return None

    async def _link(self) -> RunnerLink | None:
        """None: it proves its archive still, or has just ended."""
        try:
            return await RunnerLink.open(self._session, self._namespace, self._reader)
        except KubeError as exc:
            log.debug("no link to a reader yet: %s", exc)
            return None

    async def _wish(self) -> None:
        try:
            execution = await self._executions.get(self._namespace, self._name)
            await self._executions.annotate(execution, {ANNOTATION_READ: "wanted"})
        except ApiError as exc:
            if not exc.is_conflict:  # else it has just been written: the next look wishes again
                raise


def _uid_of(pod: dict[str, Any] | None) -> str:
    return "" if pod is None else str(pod["metadata"]["uid"])


def _last_words(pod: dict[str, Any]) -> str:
    for container in pod.get("status", {}).get("containerStatuses", ()):
        if container.get("name") == AGENT_CONTAINER:
            told = ((container.get("state") or {}).get("terminated") or {}).get("message") or ""
            if told:
                return str(told).partition("\n")[0][:300]
    return str(pod.get("status", {}).get("message") or "its reader has failed")[:300]
