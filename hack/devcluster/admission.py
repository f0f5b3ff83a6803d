"""Defaults, validation and refusals of one write, by kind.

decoded body -> Admission.admit() -> the object that is stored, or ApiError
"""

from dataclasses import dataclass, field

from devcluster import apierrors, metadata, namespaces, pod_security, pod_shape, pods, small_kinds
from devcluster.apierrors import ApiError
from devcluster.custom_resources import CustomResources, check_definition, established
from devcluster.history import Object
from devcluster.resources import CRDS, ResourceType
from devcluster.store import Store


@dataclass
class WriteOptions:
    """The query of a write."""

    dry_run: bool = False
    field_validation: str = "Warn"
    is_patch: bool = False
    manager: str = ""
    """Who writes, for managedFields."""

    warnings: list[str] = field(default_factory=list)
    """Told to the client in Warning headers."""


class Admission:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._custom = CustomResources()

    def admit(
        self, rt: ResourceType, obj: Object, old: Object | None, options: WriteOptions
    ) -> None:
        """Complete the object in place, or refuse it. `old` is None for a create."""
        metadata.check_types(rt, obj["metadata"])
        found = metadata.check(obj["metadata"], old and old["metadata"])
        if not rt.is_custom:
            found += metadata.check_finalizer_names(obj["metadata"])
            small_kinds.complete(rt.key, obj)
            found += small_kinds.check(rt.key, obj)
        if rt.is_custom:
            self._report(rt, obj, self._custom.shape(rt, obj), options)
            found = self._custom.check(rt, obj, old, found)
        elif rt.key == "pods":
            if wrong := pod_shape.wrong_type(obj):
                raise apierrors.bad_request(
                    f'Pod in version "v1" cannot be handled as a Pod: {wrong}'
                )
            pods.set_defaults(obj)
            found += pods.check(obj) if old is None else pods.check_update(obj, old)
        elif rt.key == CRDS:
            found += check_definition(obj)
            if not found and not obj.get("status"):
                obj["status"] = established(obj)
        elif rt.key == "namespaces":
            namespaces.complete(obj)
        if found:
            raise apierrors.invalid(rt, obj["metadata"]["name"], found)
        if old is None and rt.namespaced:
            self._check_place(rt, obj)

    def _report(
        self, rt: ResourceType, obj: Object, unknown: list[str], options: WriteOptions
    ) -> None:
        told = [f'unknown field "{path}"' for path in unknown]
        if told and options.field_validation == "Strict" and options.is_patch:
            words = f"strict decoding error: {', '.join(told)}"
            raise apierrors.invalid_patch(obj, words)
        if told and options.field_validation == "Strict":
            raise apierrors.bad_request(
                f'{rt.kind} in version "{rt.version}" cannot be handled as a {rt.kind}: strict '
                f"decoding error: {', '.join(told)}"
            )
        if options.field_validation != "Ignore":
            options.warnings += told

    def _check_place(self, rt: ResourceType, obj: Object) -> None:
        name, namespace = obj["metadata"]["name"], obj["metadata"]["namespace"]
        place = self._store.get("namespaces", "", namespace)
        if place is None:
            message = f'namespaces "{namespace}" not found'
            details = {"name": namespace, "kind": "namespaces"}
            raise ApiError(404, "NotFound", message, details=details)
        if place["metadata"].get("deletionTimestamp"):
            words = (
                f"unable to create new content in namespace {namespace} because it is being "
                "terminated"
            )
            cause = {
                "reason": "NamespaceTerminating",
                "message": f"namespace {namespace} is being terminated",
                "field": "metadata.namespace",
            }
            raise apierrors.forbidden(rt, name, words, causes=[cause])
        if rt.key == "pods":
            self._check_pod(rt, obj, place)

    def _check_pod(self, rt: ResourceType, pod: Object, place: Object) -> None:
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        account = pod["spec"]["serviceAccountName"]
        if self._store.get("serviceaccounts", namespace, account) is None:
            words = (
                f"error looking up service account {namespace}/{account}: serviceaccount "
                f'"{account}" not found'
            )
            raise apierrors.forbidden(rt, name, words)
        labels = place["metadata"].get("labels") or {}
        is_restricted = labels.get(pod_security.ENFORCE) == "restricted"
        if is_restricted and (broken := pod_security.violations(pod["spec"])):
            words = f'violates PodSecurity "restricted:latest": {broken}'
            raise apierrors.forbidden(rt, name, words)
        self._check_quota(rt, name, namespace)

    def _check_quota(self, rt: ResourceType, name: str, namespace: str) -> None:
        there = self._store.list("pods", namespace)
        alive = [p for p in there if p["status"].get("phase") not in ("Succeeded", "Failed")]
        for quota in self._store.list("resourcequotas", namespace):
            hard = (quota.get("spec") or {}).get("hard") or {}
            for what, used in (("pods", len(alive)), ("count/pods", len(there))):
                if what in hard and used >= int(hard[what]):
                    words = (
                        f"exceeded quota: {quota['metadata']['name']}, requested: {what}=1, used: "
                        f"{what}={used}, limited: {what}={hard[what]}"
                    )
                    raise apierrors.forbidden(rt, name, words)
