"""Delete: at once, after a pod's grace, or when the last finalizer is gone.

DELETE, owner garbage collection, namespace clean-up -> delete() -> store
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from devcluster import apierrors
from devcluster.history import Object
from devcluster.resources import CRDS, ResourceType
from devcluster.store import Store, copy_of, key_of, timestamp

CLEANUP_FINALIZERS = {
    "namespaces": "kubernetes",
    CRDS: "customresourcecleanup.apiextensions.k8s.io",
}
"""Set when the deletion is asked for; cleanup.py removes it when what is inside has gone."""


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    grace_period_seconds: int | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False


def delete(store: Store, rt: ResourceType, obj: Object, options: DeleteOptions) -> Object:
    """The object as it stands after the request; gone or marked as deleted."""
    _check_preconditions(rt, obj, options)
    namespace, name = key_of(obj)
    grace = _grace(rt, obj, options)
    if options.dry_run:
        return obj
    if rt.key in CLEANUP_FINALIZERS:
        _mark_for_cleanup(store, rt, obj)
    elif grace > 0:
        _mark(store, rt, obj, grace)
    else:
        if rt.is_custom and not obj["metadata"].get("deletionTimestamp"):
            obj = _with_next_generation(store, rt, obj)
        store.delete_now(rt.key, namespace, name, uid=obj["metadata"]["uid"])
    return store.get(rt.key, namespace, name) or obj


def _check_preconditions(rt: ResourceType, obj: Object, options: DeleteOptions) -> None:
    metadata = obj["metadata"]
    for what, wanted, actual in (
        ("UID", options.uid, metadata["uid"]),
        ("ResourceVersion", options.resource_version, metadata["resourceVersion"]),
    ):
        if wanted not in (None, actual):
            words = (
                f"the {what} in the precondition ({wanted}) does not match the {what} in record "
                f"({actual}). The object might have been deleted and then recreated"
            )
            raise apierrors.conflict(rt, metadata["name"], words)


def _grace(rt: ResourceType, obj: Object, options: DeleteOptions) -> int:
    """Seconds that the kubelet has. Only a pod that may run somewhere has any."""
    if rt.key != "pods" or not obj["spec"].get("nodeName"):
        return 0
    if obj.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    wanted = options.grace_period_seconds
    seconds = obj["spec"]["terminationGracePeriodSeconds"] if wanted is None else wanted
    return max(int(seconds), 0)


def _mark(store: Store, rt: ResourceType, obj: Object, grace: int) -> None:
    """A second request may shorten the grace, and never lengthens it."""

    def marked(new: Object) -> Object | None:
        metadata = new["metadata"]
        if metadata.get("deletionTimestamp") and grace >= metadata["deletionGracePeriodSeconds"]:
            return None
        until = datetime.now(UTC) + timedelta(seconds=grace)
        metadata["deletionTimestamp"] = until.strftime("%Y-%m-%dT%H:%M:%SZ")
        metadata["deletionGracePeriodSeconds"] = grace
        return new

    store.modify(rt.key, *key_of(obj), marked)


def _mark_for_cleanup(store: Store, rt: ResourceType, obj: Object) -> None:
    def marked(new: Object) -> Object | None:
        metadata = new["metadata"]
        if metadata.get("deletionTimestamp"):
            return None
        metadata["deletionTimestamp"] = timestamp()
        metadata["finalizers"] = [*metadata.get("finalizers", []), CLEANUP_FINALIZERS[rt.key]]
        if rt.key == "namespaces":
            new["status"] = {**new.get("status", {}), "phase": "Terminating"}
        return new

    store.modify(rt.key, *key_of(obj), marked)


def _with_next_generation(store: Store, rt: ResourceType, obj: Object) -> Object:
    """To be deleted is a wish: a custom resource that stays for its finalizers counts it."""
    if not obj["metadata"].get("finalizers"):
        return obj

    def marked(new: Object) -> Object:
        metadata = new["metadata"]
        metadata["generation"] += 1
        metadata |= {"deletionTimestamp": timestamp(), "deletionGracePeriodSeconds": 0}
        return new

    return store.modify(rt.key, *key_of(obj), marked) or copy_of(obj)
