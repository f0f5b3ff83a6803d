"""What a request asks for, in the words of the API: options, body, form of the answer.

aiohttp request -> options -> verbs; result -> JSON or Table
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from devcluster import protobuf
from devcluster.admission import WriteOptions
from devcluster.apierrors import ApiError, bad_request, unsupported_media_type
from devcluster.deletion import DeleteOptions
from devcluster.history import Object
from devcluster.resources import ResourceType
from devcluster.table import table

JSON = "application/json"


def write_options(request: web.Request) -> WriteOptions:
    dry_run, validation = request.query.get("dryRun"), request.query.get("fieldValidation", "Warn")
    if dry_run not in (None, "", "All"):
        raise _bad_query("dryRun", dry_run, "All")
    if validation not in ("Strict", "Warn", "Ignore"):
        raise _bad_query("fieldValidation", validation, "Strict, Warn, Ignore")
    return WriteOptions(dry_run=bool(dry_run), field_validation=validation)


async def delete_options(request: web.Request) -> DeleteOptions:
    """From the body and the query; the query wins, as for the real server."""
    raw = await request.read()
    body = decode(raw) if raw.strip() else {}
    if not isinstance(body, dict):
        raise bad_request("the body of a DELETE must be DeleteOptions")
    query, conditions = request.query, body.get("preconditions") or {}
    policy = query.get("propagationPolicy") or body.get("propagationPolicy") or "Background"
    if policy != "Background":
        raise bad_request(f"propagationPolicy: devcluster knows Background, not {policy}")
    grace = query.get("gracePeriodSeconds", body.get("gracePeriodSeconds"))
    return DeleteOptions(
        grace_period_seconds=None if grace is None else whole_number("gracePeriodSeconds", grace),
        uid=conditions.get("uid"),
        resource_version=conditions.get("resourceVersion"),
        dry_run=bool(query.get("dryRun") or body.get("dryRun")),
    )


async def body_of(request: web.Request) -> Any:
    if request.content_type == protobuf.MEDIA_TYPE:
        return protobuf.decode(await request.read())
    if request.content_type != JSON:
        raise unsupported_media_type(request.content_type, [JSON, protobuf.MEDIA_TYPE])
    return decode(await request.read())


def decode(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise bad_request(f"the body of the request is not JSON: {error.msg}") from error


def whole_number(name: str, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise bad_request(f"{name}: must be a whole number") from error


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

    def many(self, rt: ResourceType, objects: list[Object], version: str) -> Object:
        if self.as_table:
            return self._table(rt, objects, version, True)
        return {
            "kind": f"{rt.kind}List",
            "apiVersion": rt.api_version,
            "metadata": {"resourceVersion": version},
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
