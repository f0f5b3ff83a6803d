"""Gives pods to the one node: spec.nodeName, or PodScheduled=False with the reason.

pods, persistentvolumeclaims, nodes change -> why_unschedulable() -> the pod is bound or told why
"""

import asyncio
from datetime import UTC, datetime

from devcluster.history import Object
from devcluster.kubelet.events import Events
from devcluster.kubelet.pod_status import with_condition
from devcluster.kubelet.scheduling import why_unschedulable
from devcluster.store import Store

SCHEDULER = "default-scheduler"
GATED = "Scheduling is blocked due to non-empty scheduling gates"
WATCHED = ("pods", "persistentvolumeclaims", "nodes")


class Scheduler:
    def __init__(self, store: Store, node_name: str, events: Events) -> None:
        self._store, self._node_name, self._events = store, node_name, events

    async def run(self) -> None:
        """Schedule until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for resource in WATCHED:
                tasks.create_task(self._follow(resource))

    async def _follow(self, resource: str) -> None:
        changes = self._store.subscribe(resource)
        try:
            self._schedule_all()
            async for kind, obj in changes:
                if resource == "pods" and kind != "DELETED":
                    self._schedule(obj["metadata"]["namespace"], obj["metadata"]["name"])
                elif resource != "pods":
                    self._schedule_all()
        finally:
            changes.close()

    def _schedule_all(self) -> None:
        for pod in self._store.list("pods"):
            self._schedule(pod["metadata"]["namespace"], pod["metadata"]["name"])

    def _schedule(self, namespace: str, name: str) -> None:
        pod = self._store.get("pods", namespace, name)
        node = self._store.get("nodes", "", self._node_name)
        if pod is None or node is None or not _is_waiting(pod):
            return
        if pod["spec"].get("schedulingGates"):
            self._tell_gated(pod)
            return
        why = why_unschedulable(pod, node, lambda claim: self._has_claim(namespace, claim))
        before = (pod.get("status") or {}).get("conditions") or []
        told = next((c.get("message") for c in before if c["type"] == "PodScheduled"), None)
        if why is not None and told == why:
            return
        self._store.modify(
            "pods", namespace, name, lambda new: self._decided(new, why), uid=pod["metadata"]["uid"]
        )
        if why is not None:
            self._events.tell("Warning", pod, "FailedScheduling", why)
        else:
            where = f"Successfully assigned {namespace}/{name} to {self._node_name}"
            self._events.tell("Normal", pod, "Scheduled", where)

    def _tell_gated(self, pod: Object) -> None:
        """No Event: the real scheduler does not look at it."""
        metadata, now = pod["metadata"], datetime.now(UTC)
        held = {"status": "False", "reason": "SchedulingGated", "message": GATED}
        condition = {"type": "PodScheduled", **held}

        def change(new: Object) -> Object:
            return new | {"status": with_condition(new, condition, now=now)}

        self._store.modify(
            "pods", metadata["namespace"], metadata["name"], change, uid=metadata["uid"]
        )

    def _decided(self, pod: Object, why: str | None) -> Object:
        now = datetime.now(UTC)
        if why is None:
            pod["spec"]["nodeName"] = self._node_name
            condition = {"type": "PodScheduled", "status": "True"}
        else:
            refused = {"status": "False", "reason": "Unschedulable", "message": why}
            condition = {"type": "PodScheduled", **refused}
        return pod | {"status": with_condition(pod, condition, now=now)}

    def _has_claim(self, namespace: str, claim: str) -> bool:
        return self._store.get("persistentvolumeclaims", namespace, claim) is not None


def _is_waiting(pod: Object) -> bool:
    spec = pod["spec"]
    ours = (spec.get("schedulerName") or SCHEDULER) == SCHEDULER
    return ours and not spec.get("nodeName") and not pod["metadata"].get("deletionTimestamp")
