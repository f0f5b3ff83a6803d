"""The controllers of the control plane: owner garbage collection, and what goes with a namespace
or a CustomResourceDefinition.

store changes -> Cleanup.on_change (remembers what to look at) -> run() -> deletion.py
"""

import asyncio
from collections import defaultdict

from devcluster.deletion import CLEANUP_FINALIZERS, DeleteOptions, delete
from devcluster.history import Change, Object
from devcluster.resources import CRDS, Registry, custom_type
from devcluster.store import Store, key_of

Place = tuple[str, str, str]
"""(resource, namespace, name)."""


class Cleanup:
    def __init__(self, store: Store, registry: Registry) -> None:
        self._store, self._registry = store, registry
        self._dependents: defaultdict[str, set[Place]] = defaultdict(set)
        self._alive: set[str] = set()
        self._suspects: set[Place] = set()
        self._woken = asyncio.Event()
        for resource in store.resources():
            for obj in store.list(resource):
                self._look(resource, obj)
        self._suspects |= {place for places in self._dependents.values() for place in places}
        store.listen(self.on_change)
        self._woken.set()

    def on_change(self, change: Change) -> None:
        metadata, place = change.object["metadata"], (change.resource, *key_of(change.object))
        if change.type != "DELETED":
            self._look(change.resource, change.object)
        else:
            self._alive.discard(metadata["uid"])
            for owner in metadata.get("ownerReferences") or []:
                self._dependents[owner["uid"]].discard(place)
            self._suspects |= self._dependents.pop(metadata["uid"], set())
            self._suspects |= self._holders(change)
        if metadata.get("ownerReferences") or metadata.get("deletionTimestamp"):
            self._suspects.add(place)
        if self._suspects:
            self._woken.set()

    async def run(self) -> None:
        """Until cancelled. Every round lets the others run."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._suspects:
                self._judge(*self._suspects.pop())
                await asyncio.sleep(0)

    def _look(self, resource: str, obj: Object) -> None:
        metadata = obj["metadata"]
        self._alive.add(metadata["uid"])
        for owner in metadata.get("ownerReferences") or []:
            self._dependents[owner["uid"]].add((resource, *key_of(obj)))
        if metadata.get("deletionTimestamp") and resource in CLEANUP_FINALIZERS:
            self._suspects.add((resource, *key_of(obj)))

    def _holders(self, change: Change) -> set[Place]:
        """What may have waited for this object to go: its namespace, its definition."""
        namespace = change.object["metadata"].get("namespace", "")
        found: set[Place] = {("namespaces", "", namespace)} if namespace else set()
        if "." in change.resource:
            found.add((CRDS, "", change.resource))
        return found

    def _judge(self, resource: str, namespace: str, name: str) -> None:
        obj = self._store.get(resource, namespace, name)
        if obj is None:
            return
        owners = obj["metadata"].get("ownerReferences") or []
        if owners and not any(owner["uid"] in self._alive for owner in owners):
            self._delete(resource, obj)
        elif obj["metadata"].get("deletionTimestamp") and resource in CLEANUP_FINALIZERS:
            self._empty(resource, obj)

    def _empty(self, resource: str, holder: Object) -> None:
        """Delete what is inside, and let the holder go when nothing is."""
        for inside, obj in self._content(resource, holder):
            self._delete(inside, obj)
        if self._content(resource, holder):
            return

        def released(new: Object) -> Object:
            kept = [f for f in new["metadata"]["finalizers"] if f != CLEANUP_FINALIZERS[resource]]
            new["metadata"]["finalizers"] = kept
            return new

        self._store.modify(resource, *key_of(holder), released)

    def _content(self, resource: str, holder: Object) -> list[tuple[str, Object]]:
        if resource == CRDS:
            key = custom_type(holder).key
            return [(key, obj) for obj in self._store.list(key)]
        namespace = holder["metadata"]["name"]
        return [
            (inside, obj)
            for inside in self._store.resources()
            for obj in self._store.list(inside, namespace)
        ]

    def _delete(self, resource: str, obj: Object) -> None:
        rt = self._registry.by_key(resource)
        if rt is not None:
            delete(self._store, rt, obj, DeleteOptions())
