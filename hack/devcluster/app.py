"""The HTTP application: discovery, resources, faults; errors become Status objects here.

request -> fault that strikes it -> discovery.py | openapi.py | http_verbs.py -> answer, counted
"""

import asyncio
import logging
from collections.abc import Callable

from aiohttp import web

from devcluster import apierrors, discovery, openapi
from devcluster.accounts import Accounts
from devcluster.apierrors import ApiError
from devcluster.faults import Fault, Faults, RequestKind
from devcluster.http_request import decode, error_response, json_response
from devcluster.http_verbs import Handlers, verb_of
from devcluster.ports import Node, NodeError
from devcluster.resources import Registry
from devcluster.routes import NoSuchGroup, Target, parse
from devcluster.store import Store

LARGEST_BODY = 3 * 1024 * 1024
"""Bytes, as the real server's limit."""

log = logging.getLogger(__name__)


class Api:
    def __init__(
        self,
        store: Store,
        registry: Registry,
        node: Node | None = None,
        *,
        accounts: Callable[[], Accounts] = Accounts,
        faults: Faults | None = None,
    ) -> None:
        """`accounts` is asked for every review: without any, no token is anybody's."""
        self._registry = registry
        self._faults = faults or Faults()
        self._handlers = Handlers(store, self._faults, node, accounts)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_route("*", "/{path:.*}", self._serve)
        return app

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._answer(request)
        except ApiError as error:
            return error_response(error)
        except NodeError as error:
            return error_response(ApiError(error.code, error.reason, error.message))
        except web.HTTPRequestEntityTooLarge:
            words = f"Request entity too large: limit is {LARGEST_BODY}"
            return error_response(ApiError(413, "RequestEntityTooLarge", words))
        except ConnectionError:
            raise  # the client has gone: nobody to tell
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            words = "an error on the server of devcluster: see its log"
            return error_response(ApiError(500, "InternalError", words))

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        parts = [part for part in request.path.split("/") if part]
        if parts[:1] == ["devcluster"]:
            return await self._tools(request, parts[1:])
        if parts and parts[0] in discovery.HEALTH:
            return web.Response(text="ok")
        if parts == ["openapi", "v2"]:
            return web.Response(
                body=openapi.V2_EMPTY, headers={"Content-Type": openapi.V2_MEDIA_TYPE}
            )
        if parts[:2] == ["openapi", "v3"]:
            return self._openapi(parts[2:])
        if request.method == "GET" and (found := discovery.document(parts, self._registry)):
            return json_response(found)
        return await self._resource(request, parts)

    async def _resource(self, request: web.Request, parts: list[str]) -> web.StreamResponse:
        try:
            target = parse(parts, self._registry)
        except NoSuchGroup:
            return web.Response(text="404 page not found\n", status=404)
        verb = verb_of(request, target)
        kind, code = _kind_of(request, target, verb), 500
        fault = self._faults.take(kind)
        try:
            if fault is not None:
                await self._strike(fault, request, verb)
            response = await self._handlers.serve(verb, request, target, fault)
            code = response.status
        except (ApiError, NodeError) as error:
            code = error.code
            await _lose_answer(fault, request)
            raise
        except ConnectionError:
            code = 200  # a stream whose client has gone
            raise
        except asyncio.CancelledError:
            code = 200
            raise
        finally:
            self._faults.count(kind, code)
        await _lose_answer(fault, request)
        return response

    async def _strike(self, fault: Fault, request: web.Request, verb: str) -> None:
        """Errors of a watch are told in its stream, by the watch."""
        if fault.fault == "reset":
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionResetError("injected")
        if fault.fault == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault.fault == "lost-answer" or fault.cuts_exec:
            return  # the deed first
        elif verb != "watch" or fault.fault != "gone":
            error = fault.error()
            assert error is not None
            raise error

    def _openapi(self, parts: list[str]) -> web.Response:
        match parts:
            case []:
                return json_response(openapi.index(self._registry))
            case ["api", version]:
                group = ""
            case ["apis", group, version]:
                pass
            case _:
                raise apierrors.page_not_found()
        if not self._registry.of_version(group, version):
            raise apierrors.page_not_found()
        return json_response(openapi.group_version(self._registry, group, version))

    async def _tools(self, request: web.Request, parts: list[str]) -> web.Response:
        match (request.method, parts):
            case ("POST", ["faults"]):
                self._faults.add(decode(await request.read()))
            case ("DELETE", ["faults"]):
                self._faults.clear()
            case ("GET", ["requests"]):
                return json_response(self._faults.requests())
            case ("GET", ["faults"]):
                pass
            case _:
                raise apierrors.page_not_found()
        return json_response(self._faults.faults())


def _kind_of(request: web.Request, target: Target, verb: str) -> RequestKind:
    agent = request.headers.get("User-Agent", "").split("/")[0].split(" ")[0]
    return RequestKind(verb, target.rt.key, target.subresource, target.namespace or "", agent)


async def _lose_answer(fault: Fault | None, request: web.Request) -> None:
    """If that is the fault. A client that goes meanwhile ends the wait."""
    if fault is None or fault.fault != "lost-answer":
        return
    fault.is_carried_out = True
    await asyncio.sleep(fault.seconds)
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError("injected")
