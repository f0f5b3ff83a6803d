"""Delete: at once, after a pod's grace, or when the last finalizer is gone.

DELETE, owner garbage collection, namespace clean-up -> delete() -> store
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from devcluster import apierrors
from devcluster.history import Object
from devcluster.managed_fields import forgotten
from devcluster.resources import CRDS, ResourceType
from devcluster.store import Store, copy_of, key_of, timestamp

CRD_FINALIZER: Final = "customresourcecleanup.apiextensions.k8s.io"
CLEANUP_FINALIZERS: Final = {"namespaces": "kubernetes", CRDS: CRD_FINALIZER}
"""Set when the deletion is asked for; cleanup.py removes it when what is inside has gone."""


POLICIES: Final = ("Foreground", "Background", "Orphan")
"""What becomes of dependents: deleted before their owner, deleted after it, or left alone."""

POLICY_FINALIZERS: Final = {"Foreground": "foregroundDeletion", "Orphan": "orphan"}
"""Hold the owner until cleanup.py has dealt with its dependents."""


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    grace_period_seconds: int | None = None
    uid: str | None = None
    resource_version: str | None = None
    dry_run: bool = False
    policy: str = "Background"


def delete(store: Store, rt: ResourceType, obj: Object, options: DeleteOptions) -> Object:
    """The object as it stands after the request; gone or marked as deleted."""
    _check_preconditions(rt, obj, options)
    namespace, name = key_of(obj)
    grace, holder = _grace(rt, obj, options), POLICY_FINALIZERS.get(options.policy)
    if options.dry_run:
        return obj
    if rt.key in CLEANUP_FINALIZERS:
        _mark_for_cleanup(store, rt, obj)
    elif grace > 0:
        _mark(store, rt, obj, grace, holder)
    else:
        if not obj["metadata"].get("deletionTimestamp"):
            obj = _wished_away(store, rt, obj, holder)
        store.delete_now(rt.key, namespace, name, uid=obj["metadata"]["uid"])
    return store.get(rt.key, namespace, name) or obj


def _check_preconditions(rt: ResourceType, obj: Object, options: DeleteOptions) -> None:
    metadata = obj["metadata"]
    for what, wanted, actual in (
        ("UID", options.uid, metadata["uid"]),
        ("ResourceVersion", options.resource_version, metadata["resourceVersion"]),
    ):
        if wanted not in (None, actual):
            since = "deleted and then recreated" if what == "UID" else "modified"
            words = (
                f"the {what} in the precondition ({wanted}) does not match the {what} in record "
                f"({actual}). The object might have been {since}"
            )
            raise apierrors.conflict(rt, metadata["name"], words, kind=rt.kind)


def _grace(rt: ResourceType, obj: Object, options: DeleteOptions) -> int:
    """Seconds that the kubelet has. Only a pod that may run somewhere has any."""
    if rt.key != "pods" or not obj["spec"].get("nodeName"):
        return 0
    if obj.get("status", {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    wanted = options.grace_period_seconds
    seconds = obj["spec"]["terminationGracePeriodSeconds"] if wanted is None else wanted
    return max(int(seconds), 0)


def _mark(store: Store, rt: ResourceType, obj: Object, grace: int, holder: str | None) -> None:
    """A second request may shorten the grace, and never lengthens it."""

    def marked(new: Object) -> Object | None:
        metadata = new["metadata"]
        if metadata.get("deletionTimestamp") and grace >= metadata["deletionGracePeriodSeconds"]:
            return None
        until = datetime.now(UTC) + timedelta(seconds=grace)
        metadata["deletionTimestamp"] = until.strftime("%Y-%m-%dT%H:%M:%SZ")
        metadata["deletionGracePeriodSeconds"] = grace
        _hold(metadata, holder)
        return new

    store.modify(rt.key, *key_of(obj), marked)


def _mark_for_cleanup(store: Store, rt: ResourceType, obj: Object) -> None:
    def marked(new: Object) -> Object | None:
        metadata = new["metadata"]
        if metadata.get("deletionTimestamp"):
            return None
        metadata["deletionTimestamp"] = timestamp()
        if rt.key == "namespaces":
            new["status"] = {**new.get("status", {}), "phase": "Terminating"}
        else:
            _hold(metadata, CLEANUP_FINALIZERS[rt.key])
        return new

    store.modify(rt.key, *key_of(obj), marked)


def _wished_away(store: Store, rt: ResourceType, obj: Object, holder: str | None) -> Object:
    """To be deleted is a wish: a custom resource that stays for its finalizers counts it."""
    if not (obj["metadata"].get("finalizers") or holder):
        return obj

    def marked(new: Object) -> Object:
        metadata = new["metadata"]
        if rt.is_custom:
            metadata["generation"] += 1
        metadata |= {"deletionTimestamp": timestamp(), "deletionGracePeriodSeconds": 0}
        _hold(metadata, holder)
        return new

    return store.modify(rt.key, *key_of(obj), marked) or copy_of(obj)


def _hold(metadata: Object, holder: str | None) -> None:
    kept = metadata.get("finalizers") or []
    if holder and holder not in kept:
        metadata["finalizers"] = [*kept, holder]


def release(store: Store, resource: str, obj: Object, finalizer: str) -> None:
    """Take the finalizer away: the object goes if nothing else holds it."""

    def released(new: Object) -> Object:
        kept = [name for name in new["metadata"].get("finalizers") or () if name != finalizer]
        new["metadata"]["finalizers"] = kept
        if resource == "namespaces":
            new["spec"] = {**new["spec"], "finalizers": []}
        return new

    store.modify(resource, *key_of(obj), released)


def disown(store: Store, place: tuple[str, str, str], owners: set[str]) -> None:
    """Take these owners' references away."""

    def without(new: Object) -> Object:
        metadata = new["metadata"]
        kept = [o for o in metadata.get("ownerReferences") or () if o["uid"] not in owners]
        if kept:
            metadata["ownerReferences"] = kept
        else:
            metadata.pop("ownerReferences", None)
        for uid in owners:
            path = ("f:metadata", "f:ownerReferences", f'k:{{"uid":"{uid}"}}')
            if managed := forgotten(metadata.pop("managedFields", None), path):
                metadata["managedFields"] = managed
        return new

    store.modify(*place, without)
