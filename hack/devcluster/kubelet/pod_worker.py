"""One pod on this node: what is asked of it, and what is told about it.

newest object -> fault? deleted? -> PodRuntime lives or ends -> status, written when it differs
"""

import asyncio
import logging
from datetime import UTC, datetime

from devcluster.history import Object
from devcluster.kubelet.broadcast import Broadcast
from devcluster.kubelet.faults import EVICTION, Fault, fault_of
from devcluster.kubelet.pod_runtime import PodRuntime
from devcluster.kubelet.pod_status import Verdict, lost_status, pod_status
from devcluster.kubelet.services import Services

log = logging.getLogger(__name__)
SHUTDOWN_GRACE = 2.0
DEFAULT_GRACE = 30


class PodWorker:
    def __init__(self, pod: Object, services: Services) -> None:
        self._pod, self._services = pod, services
        self._seen = Broadcast()
        self._removed = self._stopping = False
        self._verdict: Verdict | None = None
        self.runtime = PodRuntime(pod, services, self._publish)

    @property
    def is_lost(self) -> bool:
        """The node has lost touch: nothing is heard of the pod, and nothing gets through to it."""
        return fault_of(self._pod) is Fault.NODE_LOST and not (self._removed or self._stopping)

    def saw(self, pod: Object) -> None:
        self._pod = pod
        self.runtime.saw(pod)
        self._publish()
        self._seen.fire()

    def was_removed(self, pod: Object) -> None:
        """The object has gone without waiting for us. `pod`: as it was last."""
        self._pod, self._removed = pod, True
        self._seen.fire()

    def stop(self) -> None:
        """The node shuts down. Nothing is told any more, as when it loses power."""
        self._stopping = True
        self._seen.fire()

    async def run(self) -> None:
        """Drive the pod until it has ended and nothing of it is left. Ask for an end by stop()."""
        life = asyncio.create_task(self._live())
        try:
            await self._until_end(life)
        except Exception as error:
            log.exception("the node fails pod %s", self._pod["metadata"]["name"])
            self._verdict = Verdict("NodeFault", f"{type(error).__name__}: see devcluster's log")
        finally:
            life.cancel()
            await asyncio.gather(life, return_exceptions=True)
            await self.runtime.end(self._grace, self._seen)
            self.runtime.release()
        self._finish()

    async def _live(self) -> None:
        while fault_of(self._pod) is Fault.NO_START:
            seen = self._seen.next()
            why = "Failed to create pod sandbox: asked for by the annotation devcluster/fault"
            self._tell("Warning", "FailedCreatePodSandBox", why)
            await seen.wait()
        await self.runtime.live()

    async def _until_end(self, life: asyncio.Task[None]) -> None:
        """Return when the containers have ended for good, or are to be ended."""
        self._publish()
        while not self._is_to_end():
            seen = asyncio.create_task(self._seen.next().wait())
            try:
                waits = {seen} if life.done() else {seen, life}
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                seen.cancel()
            if life.done() and not self.is_lost:
                return life.result()
        return None

    def _is_to_end(self) -> bool:
        if self._removed or self._stopping:
            return True
        fault = fault_of(self._pod)
        if fault is Fault.NODE_LOST:
            return False
        if fault is Fault.EVICT:
            self._verdict = Verdict("Evicted", EVICTION)
            self._tell("Warning", "Evicted", EVICTION)
            self._publish()
            return True
        if fault is Fault.OOM:
            self.runtime.kill("OOMKilled")
        return self._removed or bool(self._pod["metadata"].get("deletionTimestamp"))

    def _grace(self) -> float:
        if self._stopping:
            return SHUTDOWN_GRACE
        if self._removed:
            return 1.0  # nobody waits for it any more
        asked = self._pod["metadata"].get("deletionGracePeriodSeconds")
        if asked is None:
            asked = self._pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE)
        return float(max(1, asked))  # as the real one: 0 is taken for 1

    def _finish(self) -> None:
        self._publish()
        metadata = self._pod["metadata"]
        if metadata.get("deletionTimestamp") and not (self._stopping or self._removed):
            self._services.store.delete_now(
                "pods", metadata["namespace"], metadata["name"], uid=metadata["uid"]
            )

    def _publish(self) -> None:
        if self._removed or self._stopping:
            return
        metadata, now = self._pod["metadata"], datetime.now(UTC)

        def change(pod: Object) -> Object:
            if self.is_lost:
                return pod | {"status": lost_status(pod, now=now)}
            return pod | {"status": pod_status(pod, self.runtime.facts(self._verdict), now=now)}

        self._services.store.modify(
            "pods", metadata["namespace"], metadata["name"], change, uid=metadata["uid"]
        )

    def _tell(self, kind: str, reason: str, message: str) -> None:
        self._services.events.tell(kind, self._pod, reason, message)
