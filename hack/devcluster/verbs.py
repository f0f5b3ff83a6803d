"""Create, update and patch, as the API server does them.

request -> Verbs -> metadata.py, admission.py -> store
"""

import uuid
from typing import Any

from devcluster import apierrors, metadata
from devcluster import field_errors as errors
from devcluster.admission import Admission, WriteOptions
from devcluster.apply_config import checked
from devcluster.history import Object
from devcluster.managed_fields import Writer, updated
from devcluster.namespaces import add_service_account
from devcluster.patching import apply_patch
from devcluster.resources import ResourceType
from devcluster.server_apply import applied
from devcluster.store import AlreadyExists, Store, copy_of, timestamp


class Verbs:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._admission = Admission(store)

    def get(self, rt: ResourceType, namespace: str, name: str) -> Object:
        obj = self._store.get(rt.key, namespace, name)
        if obj is None:
            raise apierrors.not_found(rt, name)
        return obj

    def create(
        self,
        rt: ResourceType,
        namespace: str,
        body: Object,
        options: WriteOptions,
        *,
        managed: list[Object] | None = None,
    ) -> Object:
        """`managed` is who owns what after an apply; else all is the writer's."""
        obj = typed(rt, body)
        obj["metadata"] = metadata.for_create(obj.get("metadata") or {}, namespace)
        if rt.has_status:
            obj.pop("status", None)
        if rt.key == "pods":
            obj["status"] = {"phase": "Pending"}
        if rt.is_custom:
            obj["metadata"]["generation"] = 1
        name = obj["metadata"]["name"]
        self._admission.admit(rt, obj, None, options)
        if self._store.get(rt.key, namespace, name):
            raise apierrors.already_exists(rt, name)
        if managed is None:
            managed = updated(rt, None, obj, _writer(rt, options))
        if managed:
            obj["metadata"]["managedFields"] = managed
        if options.dry_run:
            obj["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": timestamp()}
            return obj
        try:
            created = self._store.create(rt.key, namespace, obj)
        except AlreadyExists as error:
            raise apierrors.already_exists(rt, name) from error
        if rt.key == "namespaces":
            add_service_account(self._store, name)
        return created

    def update(
        self,
        rt: ResourceType,
        namespace: str,
        name: str,
        body: Object,
        options: WriteOptions,
        *,
        subresource: str = "",
    ) -> Object:
        old = self.get(rt, namespace, name)
        new = typed(rt, body)
        given = new.get("metadata") or {}
        if given.get("name", name) != name:
            raise apierrors.another_name(given["name"], name)
        if rt.is_custom and not given.get("resourceVersion"):
            words = "must be specified for an update"
            missing = errors.invalid("metadata.resourceVersion", 0, words)
            raise apierrors.invalid(rt, name, [missing], kind=rt.plural)
        return self._replace(rt, old, new, options, subresource)

    def patch(
        self,
        rt: ResourceType,
        namespace: str,
        name: str,
        patch: Any,
        content_type: str,
        options: WriteOptions,
        *,
        subresource: str = "",
    ) -> Object:
        old = self.get(rt, namespace, name)
        new = typed(rt, apply_patch(old, patch, content_type))
        return self._replace(rt, old, new, options, subresource)

    def apply(
        self,
        rt: ResourceType,
        namespace: str,
        name: str,
        config: Any,
        options: WriteOptions,
        *,
        subresource: str = "",
        force: bool = False,
    ) -> tuple[Object, bool]:
        """Server-side apply: the object, and whether it is a new one."""
        live = self._store.get(rt.key, namespace, name)
        if live is None and subresource:
            raise apierrors.not_found(rt, name)
        config = checked(rt, name, config, subresource)
        writer = Writer("Apply", options.manager, subresource, rt.api_version)
        obj, managed = applied(rt, live, config, writer, force=force)
        if live is None:
            obj = {**obj, "metadata": {**obj["metadata"], "resourceVersion": ""}}
            return self.create(rt, namespace, obj, options, managed=managed), True
        obj = copy_of(obj)
        return self._replace(rt, live, obj, options, subresource, managed=managed), False

    def _replace(
        self,
        rt: ResourceType,
        old: Object,
        new: Object,
        options: WriteOptions,
        subresource: str,
        *,
        managed: list[Object] | None = None,
    ) -> Object:
        given = (new.get("metadata") or {}).get("managedFields")
        new["metadata"] = metadata.for_update(rt, new.get("metadata") or {}, old["metadata"])
        if subresource == "status":
            new = _with_status_of(new, copy_of(old))
        elif rt.has_status:
            new = _with_status_of(old, new)
        self._admission.admit(rt, new, old, options)
        if managed is None:
            managed = updated(rt, old, new, _writer(rt, options, subresource), given)
        if managed:
            new["metadata"]["managedFields"] = managed
        if rt.is_custom and metadata.own_fields(new) != metadata.own_fields(old):
            new["metadata"]["generation"] = old["metadata"]["generation"] + 1
        if options.dry_run:
            return new
        meta = old["metadata"]
        namespace = meta.get("namespace", "")
        stored = self._store.modify(rt.key, namespace, meta["name"], lambda _: new)
        assert stored is not None  # single-threaded: it was there a moment ago
        return stored


def _writer(rt: ResourceType, options: WriteOptions, subresource: str = "") -> Writer:
    return Writer("Update", options.manager, subresource, rt.api_version)


def _with_status_of(source: Object, target: Object) -> Object:
    """`target` with the status of the other one: the two writers never touch each other's half."""
    rest = {key: value for key, value in target.items() if key != "status"}
    return {**rest, "status": source["status"]} if "status" in source else rest


def typed(rt: ResourceType, body: Any) -> Object:
    """A body of our own to change, of the kind that the URL names."""
    if not isinstance(body, dict) or not isinstance(body.get("metadata") or {}, dict):
        raise apierrors.bad_request("the body of the request must be one object with metadata")
    kind, version = body.get("kind", rt.kind), body.get("apiVersion", rt.api_version)
    if (kind, version) != (rt.kind, rt.api_version):
        raise apierrors.another_kind(rt, kind, version)
    rest = {key: value for key, value in body.items() if key not in ("kind", "apiVersion")}
    return copy_of({"apiVersion": rt.api_version, "kind": rt.kind, **rest})
