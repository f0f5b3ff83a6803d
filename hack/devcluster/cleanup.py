"""The controllers of the control plane: owner garbage collection, and what goes with a namespace
or a CustomResourceDefinition.

store changes -> Cleanup.on_change (remembers what to look at) -> run() -> deletion.py
"""

import asyncio
from collections import defaultdict

from devcluster.deletion import (
    CLEANUP_FINALIZERS,
    POLICY_FINALIZERS,
    DeleteOptions,
    delete,
    disown,
    release,
)
from devcluster.history import Change, Object
from devcluster.resources import CRDS, Registry, custom_type
from devcluster.store import Store, key_of

Place = tuple[str, str, str]
"""(resource, namespace, name)."""


class Cleanup:
    def __init__(self, store: Store, registry: Registry) -> None:
        self._store, self._registry = store, registry
        self._dependents: defaultdict[str, set[Place]] = defaultdict(set)
        self._alive: dict[str, Place] = {}
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
            self._alive.pop(metadata["uid"], None)
            for owner in metadata.get("ownerReferences") or []:
                self._dependents[owner["uid"]].discard(place)
                if owner["uid"] in self._alive:
                    self._suspects.add(self._alive[owner["uid"]])  # may have waited for this
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
        self._alive[metadata["uid"]] = (resource, *key_of(obj))
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
        metadata = obj["metadata"]
        owners = metadata.get("ownerReferences") or []
        gone = {owner["uid"] for owner in owners if owner["uid"] not in self._alive}
        if owners and len(gone) == len(owners):
            self._delete(resource, obj)
        elif gone:
            disown(self._store, (resource, namespace, name), gone)
        if metadata.get("deletionTimestamp"):
            self._finish(resource, obj)

    def _finish(self, resource: str, obj: Object) -> None:
        """Do what an object that is to be deleted waits for."""
        finalizers = obj["metadata"].get("finalizers") or ()
        dependents = set(self._dependents.get(obj["metadata"]["uid"], ()))
        if POLICY_FINALIZERS["Orphan"] in finalizers:
            for place in dependents:
                disown(self._store, place, {obj["metadata"]["uid"]})
            release(self._store, resource, obj, POLICY_FINALIZERS["Orphan"])
        elif POLICY_FINALIZERS["Foreground"] in finalizers:
            for inside, *key in dependents:
                if (found := self._store.get(inside, *key)) is not None:
                    self._delete(inside, found)
            if not self._blocking(obj):
                release(self._store, resource, obj, POLICY_FINALIZERS["Foreground"])
        elif resource in CLEANUP_FINALIZERS:
            self._empty(resource, obj)

    def _blocking(self, owner: Object) -> bool:
        """Whether a dependent is left that holds the foreground deletion of its owner."""
        uid = owner["metadata"]["uid"]
        found = [self._store.get(*place) for place in self._dependents.get(uid, ())]
        return any(
            reference["uid"] == uid and reference.get("blockOwnerDeletion")
            for obj in found
            if obj is not None
            for reference in obj["metadata"].get("ownerReferences") or ()
        )

    def _empty(self, resource: str, holder: Object) -> None:
        """Delete what is inside, and let the holder go when nothing is."""
        for inside, obj in self._content(resource, holder):
            self._delete(inside, obj)
        if not self._content(resource, holder):
            release(self._store, resource, holder, CLEANUP_FINALIZERS[resource])

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
