"""Pods that came too late: their execution has ended, and nobody looks after it any more.

watch event -> look() -> [at most 1,000] -> run() -> DELETE

A server may hold a creation back, in an admission webhook for 30 s: by then whoever asked for it
may be gone, another may lead, and a user may have cancelled what had no pod yet.
"""

import asyncio
import logging
from typing import Final, Protocol

from ccx_operator.facts import PodFacts
from ccx_operator.observed import Gone

log = logging.getLogger(__name__)

ROOM: Final = 1000
AGAIN_SECONDS: Final = 5.0
"""After a failure, for all of them: it is the server's."""


class DeletesPods(Protocol):
    async def delete(self, namespace: str, name: str, uid: str) -> None:
        """Only the pod of that uid; that it is gone is success."""


class Strays:
    def __init__(self, pods: DeletesPods) -> None:
        self._pods = pods
        self._waiting: asyncio.Queue[tuple[str, PodFacts]] = asyncio.Queue(ROOM)

    def look(self, namespace: str, pod: PodFacts | Gone | None) -> None:
        """At what is known of the pod of an execution that is settled."""
        if not isinstance(pod, PodFacts) or pod.over or pod.terminating:
            return
        try:
            self._waiting.put_nowait((namespace, pod))
        except asyncio.QueueFull:  # their next events will bring them again
            log.warning("pod %s/%s came too late, and waits", namespace, pod.name)

    async def run(self) -> None:
        while True:
            namespace, pod = await self._waiting.get()
            log.warning(
                "pod %s/%s came after the end of its execution: it goes", namespace, pod.name
            )
            try:
                await self._pods.delete(namespace, pod.name, pod.uid)
            except Exception:
                log.warning("a pod that came too late could not be deleted", exc_info=True)
                await asyncio.sleep(AGAIN_SECONDS)
                self.look(namespace, pod)
