"""The node's Events about pods: what `kubectl describe` tells.

A repeated Event raises the count of the first one, at most 25 at once and then one per 5 minutes
and pod, as with the real recorder: a failing probe must not flood the store.
"""

import time
from collections.abc import Callable
from typing import Any, Final

from devcluster.history import Object
from devcluster.store import Store, timestamp

BURST: Final = 25
REFILL_SECONDS: Final = 300.0


class Events:
    def __init__(
        self, store: Store, node: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._node, self._clock = store, node, clock
        self._last = 0
        self._names: dict[str, dict[tuple[str, str, str], str]] = {}
        self._budgets: dict[str, tuple[float, float]] = {}

    def forget(self, uid: str) -> None:
        """The pod has gone."""
        self._names.pop(uid, None)
        self._budgets.pop(uid, None)

    def tell(self, kind: str, pod: Object, reason: str, message: str, container: str = "") -> None:
        """`kind`: Normal or Warning."""
        uid, namespace = pod["metadata"]["uid"], pod["metadata"]["namespace"]
        if not self._may(uid):
            return
        names = self._names.setdefault(uid, {})
        key = (reason, message, container)
        if key in names and self._repeat(namespace, names[key]):
            return
        self._last = max(self._last + 1, time.time_ns())
        names[key] = f"{pod['metadata']['name']}.{self._last:x}"  # in order of time, for kubectl
        event = self._event(names[key], kind, pod, key)
        self._store.create("events", namespace, event)

    def _may(self, uid: str) -> bool:
        now = self._clock()
        budget, seen = self._budgets.get(uid, (float(BURST), now))
        budget = min(BURST, budget + (now - seen) / REFILL_SECONDS)
        self._budgets[uid] = (max(0.0, budget - 1 if budget >= 1 else budget), now)
        return budget >= 1

    def _repeat(self, namespace: str, name: str) -> bool:
        def again(event: Object) -> Object:
            return event | {"count": event["count"] + 1, "lastTimestamp": timestamp()}

        return self._store.modify("events", namespace, name, again) is not None

    def _event(self, name: str, kind: str, pod: Object, key: tuple[str, str, str]) -> Object:
        reason, message, container = key
        component = "default-scheduler" if reason in SCHEDULING else "kubelet"
        involved: dict[str, Any] = {"kind": "Pod", "apiVersion": "v1"}
        involved |= {k: pod["metadata"][k] for k in ("name", "namespace", "uid")}
        if container:
            involved["fieldPath"] = f"spec.containers{{{container}}}"
        now = timestamp()
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": pod["metadata"]["namespace"]},
            "involvedObject": involved,
            "type": kind,
            "reason": reason,
            "message": message,
            "source": {"component": component, "host": self._node},
            "reportingComponent": component,
            "reportingInstance": self._node,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "eventTime": None,
            "count": 1,
        }


SCHEDULING: Final = ("Scheduled", "FailedScheduling")
