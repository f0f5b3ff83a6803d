"""All objects of the cluster, in memory: versions, history, subscriptions, final removal.

API verbs and kubelet -> create / modify / delete_now -> history -> subscriptions (watches)

Synchronous, for one asyncio loop. Objects are plain JSON dicts; what the store hands out is shared
and must be treated as immutable.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime

import orjson

from devcluster.history import HISTORY, Change, ChangeType, ExpiredError, Log, Object, Subscription

Key = tuple[str, str]
"""(namespace, name); the namespace of a cluster-wide object is empty."""


class AlreadyExists(Exception):  # noqa: N818 - the API's word
    """An object of that resource, namespace and name is there."""


class Store:
    def __init__(self, *, history: int = HISTORY) -> None:
        self._history = history
        self._objects: dict[str, dict[Key, Object]] = {}
        self._logs: dict[str, Log] = {}
        self._listeners: list[Callable[[Change], None]] = []
        self._version = 0
        self._oldest_version = 0

    @property
    def version(self) -> int:
        """The one counter from which every resourceVersion is taken."""
        return self._version

    def get(self, resource: str, namespace: str, name: str) -> Object | None:
        return self._objects.get(resource, {}).get((namespace, name))

    def list(self, resource: str, namespace: str | None = None) -> list[Object]:
        """Every object in order of namespace and name, as the real server lists them."""
        objects = self._objects.get(resource, {})
        return [objects[key] for key in sorted(objects) if namespace in (None, key[0])]

    def resources(self) -> Iterator[str]:
        """The resources of which there is at least one object."""
        return (resource for resource, objects in list(self._objects.items()) if objects)

    def create(self, resource: str, namespace: str, obj: Object) -> Object:
        """Store a new object; uid, creationTimestamp and resourceVersion are the store's."""
        name = obj["metadata"]["name"]
        if self.get(resource, namespace, name) is not None:
            raise AlreadyExists(f'{resource} "{name}" already exists')
        new = copy_of(obj)
        identity = {"uid": str(uuid.uuid4()), "creationTimestamp": timestamp()}
        new["metadata"] = {**new["metadata"], **identity}
        if namespace:
            new["metadata"]["namespace"] = namespace
        return self._commit("ADDED", resource, new, None)

    def modify(
        self,
        resource: str,
        namespace: str,
        name: str,
        change: Callable[[Object], Object | None],
        *,
        uid: str | None = None,
    ) -> Object | None:
        """Replace the newest object by what `change` makes of its deep copy.

        None from `change` leaves it, and so does an equal object: no version is spent. None is
        returned for no such object or uid. A deleted object that nothing holds any more is removed.
        """
        old = self.get(resource, namespace, name)
        if old is None or uid not in (None, old["metadata"]["uid"]):
            return None
        new = change(copy_of(old))
        if new is None or new == old:
            return old
        if _is_released(new):
            return self._commit("DELETED", resource, new, old)
        return self._commit("MODIFIED", resource, new, old)

    def delete_now(self, resource: str, namespace: str, name: str, *, uid: str) -> None:
        """End the grace: the object goes, or stays marked as deleted until its finalizers do."""

        def without_grace(obj: Object) -> Object:
            metadata = obj["metadata"]
            metadata.setdefault("deletionTimestamp", timestamp())
            metadata["deletionGracePeriodSeconds"] = 0
            return obj

        old = self.get(resource, namespace, name)
        if old is None or old["metadata"]["uid"] != uid:
            return
        if not _is_held(old):
            self._commit("DELETED", resource, copy_of(old), old)
        else:
            self.modify(resource, namespace, name, without_grace, uid=uid)

    def subscribe(self, resource: str, *, since: int | None = None) -> Subscription:
        """Follow the changes from now on, or from a version on; ExpiredError if they are gone."""
        if since is not None and since < self._oldest_version:
            raise ExpiredError(f"too old resource version: {since} ({self._oldest_version})")
        return Subscription(self._log(resource), since)

    def begin(self, resource: str) -> None:
        """What is watched from before now has never been: a new resource's history is empty."""
        self._logs[resource] = Log(self._history, self._version)

    def listen(self, listener: Callable[[Change], None]) -> None:
        """Call `listener` at every change, before anybody else learns of it."""
        self._listeners.append(listener)

    def restore(self, objects: Iterable[tuple[str, Object]], version: int) -> None:
        """Take over the objects of an earlier process. Watches from its versions are too old."""
        for resource, obj in objects:
            self._objects.setdefault(resource, {})[key_of(obj)] = obj
        self._version = self._oldest_version = version

    def _commit(
        self, kind: ChangeType, resource: str, new: Object, previous: Object | None
    ) -> Object:
        self._version += 1
        new["metadata"]["resourceVersion"] = str(self._version)
        objects = self._objects.setdefault(resource, {})
        if kind == "DELETED":
            del objects[key_of(new)]
        else:
            objects[key_of(new)] = new
        change = Change(kind, resource, self._version, new, previous)
        for listener in self._listeners:
            listener(change)
        self._log(resource).append(change)
        return new

    def _log(self, resource: str) -> Log:
        return self._logs.setdefault(resource, Log(self._history))


def copy_of(obj: Object) -> Object:
    """A deep copy, some times faster than copy.deepcopy."""
    copied: Object = orjson.loads(orjson.dumps(obj))
    return copied


def key_of(obj: Object) -> Key:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def timestamp() -> str:
    """Now, as Kubernetes writes it: UTC, whole seconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _is_released(obj: Object) -> bool:
    """Deleted, grace over, and no finalizer holds it."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or _is_held(obj):
        return False
    return not metadata.get("deletionGracePeriodSeconds")


def _is_held(obj: Object) -> bool:
    """By a finalizer; a namespace has one of its own in its spec."""
    spec = obj.get("spec") if obj.get("kind") == "Namespace" else None
    return bool(obj["metadata"].get("finalizers") or (spec or {}).get("finalizers"))
