"""What a request asks for, in the words of the API: options, body, form of the answer.

aiohttp request -> options -> verbs; result -> JSON or Table
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import yaml
from aiohttp import web

from devcluster import field_errors as errors
from devcluster import protobuf
from devcluster.admission import WriteOptions
from devcluster.apierrors import ApiError, bad_request, invalid_options, unsupported_media_type
from devcluster.deletion import POLICIES, DeleteOptions
from devcluster.history import Object
from devcluster.pieces import Piece
from devcluster.resources import ResourceType
from devcluster.table import table

JSON = "application/json"
YAML = "application/yaml"


def write_options(request: web.Request, kind: str) -> WriteOptions:
    """`kind` is CreateOptions, UpdateOptions or PatchOptions: what the query is, for the server."""
    query = request.query
    dry_run, validation = query.get("dryRun"), query.get("fieldValidation") or "Warn"
    if dry_run not in (None, "", "All"):
        raise invalid_options(kind, errors.not_supported("dryRun", [dry_run], ["All"]))
    if validation not in (known := ["", "Ignore", "Strict", "Warn"]):
        wrong = errors.not_supported("fieldValidation", validation, known)
        raise invalid_options(kind, wrong)
    program = request.headers.get("User-Agent", "").partition("/")[0]
    return WriteOptions(
        dry_run=bool(dry_run),
        field_validation=validation,
        is_patch=kind == "PatchOptions",
        manager=query.get("fieldManager") or program or "unknown",
    )


def apply_options(request: web.Request, *, is_apply: bool) -> bool:
    """Whether an apply is forced; 422 where the query does not go with the form of the patch."""
    force = flag(request, "force")
    if is_apply and not request.query.get("fieldManager"):
        wrong = errors.required("fieldManager", "is required for apply patch")
        raise invalid_options("PatchOptions", wrong)
    if not is_apply and "force" in request.query:
        wrong = errors.forbidden("force", "may not be specified for non-apply patch")
        raise invalid_options("PatchOptions", wrong)
    return force


async def delete_options(request: web.Request) -> DeleteOptions:
    """From the body and the query; the query wins, as for the real server."""
    raw = await request.read()
    body = decode(raw) if raw.strip() else {}
    if not isinstance(body, dict):
        raise bad_request("the body of a DELETE must be DeleteOptions")
    query, conditions = request.query, body.get("preconditions") or {}
    policy = query.get("propagationPolicy") or body.get("propagationPolicy") or "Background"
    if policy not in POLICIES:
        wrong = errors.not_supported("propagationPolicy", policy, [*POLICIES, "nil"])
        raise invalid_options("DeleteOptions", wrong)
    grace = query.get("gracePeriodSeconds", body.get("gracePeriodSeconds"))
    return DeleteOptions(
        grace_period_seconds=None if grace is None else whole_number(grace),
        uid=conditions.get("uid"),
        resource_version=conditions.get("resourceVersion"),
        dry_run=bool(query.get("dryRun") or body.get("dryRun")),
        policy=policy,
    )


async def body_of(request: web.Request) -> Any:
    if request.content_type == protobuf.MEDIA_TYPE:
        return protobuf.decode(await request.read())
    if request.content_type == YAML:
        return decode_yaml(await request.read())
    if request.content_type != JSON:
        raise unsupported_media_type([JSON, YAML, protobuf.MEDIA_TYPE])
    return decode(await request.read())


def decode(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the body of the request is not JSON: {error.msg}") from error


def decode_yaml(raw: bytes) -> Any:
    """JSON is YAML, and parses faster as what it is."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        pass
    try:
        return yaml.load(raw, _Loader)
    except yaml.YAMLError as error:
        raise bad_request(f"error decoding YAML: {error}") from error


class _Loader(yaml.SafeLoader):
    """Times are strings, as in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def whole_number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        shown = errors.quoted(value)
        raise bad_request(f"strconv.ParseInt: parsing {shown}: invalid syntax") from error


def flag(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() in ("1", "true")


@dataclass(frozen=True, slots=True)
class Form:
    """In which form the client wants objects: as they are, or as a Table."""

    as_table: bool
    include: str

    @classmethod
    def of(cls, request: web.Request) -> "Form":
        """The first form of the Accept header that there is wins."""
        for offer in request.headers.get("Accept", JSON).split(","):
            parameters = dict(
                part.strip().partition("=")[::2] for part in offer.split(";") if "=" in part
            )
            media = offer.partition(";")[0].strip()
            if media in (JSON, "*/*", "application/*"):
                if parameters.get("as") == "Table":
                    return cls(True, request.query.get("includeObject", "Metadata"))
                if "as" not in parameters:
                    break
        return cls(False, "")

    def one(self, rt: ResourceType, obj: Object, *, headers: bool = True) -> Object:
        return self._table(rt, [obj], obj["metadata"]["resourceVersion"], headers)

    def many(self, rt: ResourceType, piece: Piece) -> Object:
        """The items of built-in kinds say neither kind nor version: the list does."""
        if self.as_table:
            table = self._table(rt, piece.objects, str(piece.version), True)
            return {**table, "metadata": piece.metadata()}
        objects = piece.objects
        if not rt.is_custom:
            objects = [
                {k: v for k, v in obj.items() if k not in ("apiVersion", "kind")} for obj in objects
            ]
        return {
            "kind": f"{rt.kind}List",
            "apiVersion": rt.api_version,
            "metadata": piece.metadata(is_custom=rt.is_custom),
            "items": objects,
        }

    def _table(self, rt: ResourceType, objects: list[Object], version: str, heads: bool) -> Object:
        now = datetime.now(UTC)
        return table(rt, objects, now=now, version=version, include=self.include, headers=heads)


def json_response(
    data: Any, *, status: int = 200, warnings: list[str] | None = None
) -> web.Response:
    response = web.Response(body=orjson.dumps(data), status=status, content_type=JSON)
    for warning in warnings or ():
        text = warning.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'299 - "{text}"')
    return response


def error_response(error: ApiError) -> web.Response:
    response = json_response(error.status(), status=error.code)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _bad_query(name: str, value: str, known: str) -> ApiError:
    return bad_request(f'{name}: Unsupported value: "{value}": supported values: {known}')
