"""The verbs over HTTP: which one a request is, and its answer.

Target + request -> verb_of() -> Handlers -> verbs.py | deletion.py | watch.py | pod_*.py
"""

from collections.abc import Callable

from aiohttp import web

from devcluster import apierrors
from devcluster.accounts import Accounts
from devcluster.admission import WriteOptions
from devcluster.deletion import delete
from devcluster.faults import Fault, Faults
from devcluster.history import Object
from devcluster.http_request import (
    Form,
    apply_options,
    body_of,
    decode,
    decode_yaml,
    delete_options,
    flag,
    json_response,
    whole_number,
    write_options,
)
from devcluster.patching import APPLY, JSON, MERGE, STRATEGIC
from devcluster.pieces import Piece, Pieces
from devcluster.pod_exec import serve_exec
from devcluster.pod_log import serve_log
from devcluster.ports import Node
from devcluster.resources import ResourceType
from devcluster.reviews import REVIEWS, review
from devcluster.routes import Target
from devcluster.selectors import Predicate, predicate
from devcluster.store import Store
from devcluster.verbs import Verbs, typed
from devcluster.watch import Watch


def verb_of(request: web.Request, target: Target) -> str:
    """The verb as access rules and audit name it; 405 where there is none."""
    by_name = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
    of_all = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}
    if target.subresource == "exec":
        found = {"GET": "get", "POST": "create"}.get(request.method)
    else:
        found = (by_name if target.name else of_all).get(request.method)
    if found in ("get", "list") and flag(request, "watch") and not target.subresource:
        found = "watch"
    if not target.subresource and found not in (*target.rt.verbs, None):
        raise apierrors.method_not_allowed()
    if found is None or (target.subresource == "log" and found != "get"):
        raise apierrors.method_not_allowed()
    return found


class Handlers:
    def __init__(
        self, store: Store, faults: Faults, node: Node | None, accounts: Callable[[], Accounts]
    ) -> None:
        self._store, self._faults, self._node = store, faults, node
        self._accounts = accounts
        self._verbs = Verbs(store)
        self._pieces = Pieces()

    async def serve(
        self, verb: str, request: web.Request, target: Target, fault: Fault | None
    ) -> web.StreamResponse:
        if target.subresource in ("log", "exec"):
            return await self._connect(request, target, fault)
        match verb:
            case "get":
                obj = self._verbs.get(target.rt, target.namespace or "", target.name)
                return self._one(request, target, obj)
            case "list":
                return self._list(request, target)
            case "watch":
                form = Form.of(request)
                watch = Watch(self._store, self._faults, target, _selector(request, target), form)
                return await watch.serve(request, fault.error() if fault else None)
            case "create":
                return await self._create(request, target)
            case "delete":
                return await self._delete(request, target)
            case "deletecollection":
                return await self._delete_collection(request, target)
        return await self._change(verb, request, target)

    def _list(self, request: web.Request, target: Target) -> web.Response:
        query = request.query
        piece = self._pieces.cut(
            target.rt.key,
            lambda: (self._selected(request, target), self._store.version),
            limit=whole_number(query.get("limit") or 0),
            following=query.get("continue", ""),
            counted=not (query.get("labelSelector") or query.get("fieldSelector")),
        )
        return json_response(Form.of(request).many(target.rt, piece))

    def _selected(self, request: web.Request, target: Target) -> list[Object]:
        matches = _selector(request, target)
        there = self._store.list(target.rt.key, target.namespace or None)
        return [obj for obj in there if matches(obj)]

    async def _create(self, request: web.Request, target: Target) -> web.Response:
        if target.rt.namespaced and target.namespace is None:
            raise apierrors.method_not_allowed()
        options, body = write_options(request, "CreateOptions"), await body_of(request)
        if target.rt in REVIEWS:
            found = review(target.rt, typed(target.rt, body), self._accounts())
            return json_response(found, status=201)
        obj = self._verbs.create(target.rt, target.namespace or "", body, options)
        return self._one(request, target, obj, status=201, warnings=options.warnings)

    async def _change(self, verb: str, request: web.Request, target: Target) -> web.Response:
        verb_name = "UpdateOptions" if verb == "update" else "PatchOptions"
        options, rt, namespace = (
            write_options(request, verb_name),
            target.rt,
            target.namespace or "",
        )
        if verb == "update":
            body = await body_of(request)
            obj = self._verbs.update(
                rt, namespace, target.name, body, options, subresource=target.subresource
            )
            return self._one(request, target, obj, warnings=options.warnings)
        return await self._patch(request, target, options)

    async def _patch(
        self, request: web.Request, target: Target, options: WriteOptions
    ) -> web.Response:
        rt, place = target.rt, (target.namespace or "", target.name)
        kind, status = request.content_type, 200
        if kind not in (known := patches(rt)):
            raise apierrors.unsupported_media_type(known)
        force = apply_options(request, is_apply=kind == APPLY)
        raw = await request.read()
        if kind == APPLY:
            obj, is_new = self._verbs.apply(
                rt, *place, decode_yaml(raw), options, subresource=target.subresource, force=force
            )
            status = 201 if is_new else 200
        else:
            obj = self._verbs.patch(
                rt, *place, decode(raw), kind, options, subresource=target.subresource
            )
        return self._one(request, target, obj, status=status, warnings=options.warnings)

    async def _delete(self, request: web.Request, target: Target) -> web.Response:
        options, rt = await delete_options(request), target.rt
        obj = self._verbs.get(rt, target.namespace or "", target.name)
        left = delete(self._store, rt, obj, options)
        is_gone = self._store.get(rt.key, target.namespace or "", target.name) is None
        if rt.key == "pods" or not is_gone:
            return self._one(request, target, left)
        details = {"name": target.name, "kind": rt.plural, "uid": obj["metadata"]["uid"]}
        if rt.group:
            details["group"] = rt.group
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        return json_response({**status, "details": details})

    async def _delete_collection(self, request: web.Request, target: Target) -> web.Response:
        options = await delete_options(request)
        found = self._selected(request, target)
        left = [delete(self._store, target.rt, obj, options) for obj in found]
        return json_response(Form.of(request).many(target.rt, Piece(left, self._store.version)))

    async def _connect(
        self, request: web.Request, target: Target, fault: Fault | None
    ) -> web.StreamResponse:
        pod = self._verbs.get(target.rt, target.namespace or "", target.name)
        if self._node is None:
            raise apierrors.ApiError(503, "ServiceUnavailable", "this devcluster has no node")
        if target.subresource == "log":
            return await serve_log(request, pod, self._node)
        return await serve_exec(request, pod, self._node, fault)

    def _one(
        self,
        request: web.Request,
        target: Target,
        obj: Object,
        *,
        status: int = 200,
        warnings: list[str] | None = None,
    ) -> web.Response:
        form = Form.of(request)
        data = form.one(target.rt, obj) if form.as_table else obj
        return json_response(data, status=status, warnings=warnings)


def patches(rt: ResourceType) -> tuple[str, ...]:
    """In the order in which the server names them."""
    return (JSON, MERGE, APPLY) if rt.is_custom else (JSON, MERGE, STRATEGIC, APPLY)


def _selector(request: web.Request, target: Target) -> Predicate:
    fields = request.query.get("fieldSelector", "")
    if target.name:
        fields = f"metadata.name={target.name}"
    return predicate(target.rt.key, request.query.get("labelSelector", ""), fields)
