"""The errors of the API server, in its own words, and their Status objects.

verbs, admission, validation -> raise ApiError -> app.py -> metav1.Status with the HTTP code
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from devcluster.resources import ResourceType


class ApiError(Exception):
    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        details: dict[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message
        self.details = details
        self.retry_after = retry_after
        if retry_after is not None:
            self.details = {**(details or {}), "retryAfterSeconds": retry_after}

    def status(self) -> dict[str, Any]:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            **({"reason": self.reason} if self.reason else {}),
            **({"details": self.details} if self.details is not None else {}),
            "code": self.code,
        }


@dataclass(frozen=True, slots=True)
class FieldError:
    """One cause of a 422: where, what class of error, and the server's words."""

    field: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


def not_found(rt: ResourceType, name: str) -> ApiError:
    return ApiError(404, "NotFound", f'{rt.key} "{name}" not found', details=_details(rt, name))


def page_not_found() -> ApiError:
    """Of a group that there is; for others the server has a line of text."""
    words = "the server could not find the requested resource"
    return ApiError(404, "NotFound", words, details={})


def already_exists(rt: ResourceType, name: str) -> ApiError:
    message = f'{rt.key} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, details=_details(rt, name))


def conflict(rt: ResourceType, name: str, why: str = "", *, kind: str = "") -> ApiError:
    words = why or (
        "the object has been modified; please apply your changes to the latest version and try "
        "again"
    )
    key = f"{kind}.{rt.group}".rstrip(".") if kind else rt.key
    message = f'Operation cannot be fulfilled on {key} "{name}": {words}'
    details = _details(rt, name)
    return ApiError(409, "Conflict", message, details=details | ({"kind": kind} if kind else {}))


def forbidden(
    rt: ResourceType, name: str, why: str, *, causes: Sequence[dict[str, str]] = ()
) -> ApiError:
    message = f'{rt.key} "{name}" is forbidden: {why}'
    details = _details(rt, name) | ({"causes": list(causes)} if causes else {})
    return ApiError(403, "Forbidden", message, details=details)


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def expired(message: str) -> ApiError:
    return ApiError(410, "Expired", message)


def method_not_allowed() -> ApiError:
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message, details={})


def unsupported_media_type(accepted: Sequence[str]) -> ApiError:
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(accepted)
    )
    return ApiError(415, "UnsupportedMediaType", message)


def another_kind(rt: ResourceType, kind: str, version: str) -> ApiError:
    """An object of another kind than the URL's, in the words for custom and built-in ones."""
    if rt.is_custom and version != rt.api_version:
        words = f"does not match the expected API version ({rt.api_version})"
        return bad_request(f"the API version in the data ({version}) {words}")
    group, _, number = version.rpartition("/")
    return bad_request(
        f'{kind} in version "{number}" cannot be handled as a {rt.kind}: converting '
        f"({group or 'v1'}.{kind}) to ({rt.group or 'core'}.{rt.kind}): unknown conversion"
    )


def another_name(given: str, wanted: str) -> ApiError:
    return bad_request(
        f"the name of the object ({given}) does not match the name on the URL ({wanted})"
    )


def invalid_patch(patched: dict[str, Any], why: str) -> ApiError:
    """422 for a patch whose result cannot be read, with that result."""
    shown = orjson.dumps(orjson.dumps(patched).decode()).decode()
    error = FieldError("patch", "FieldValueInvalid", f"Invalid value: {shown}: {why}")
    cause = {"reason": error.reason, "message": error.message, "field": error.field}
    words = f' "" is invalid: {error}'
    return ApiError(422, "Invalid", words, details={"causes": [cause]})


def invalid_kind(kind: str, name: str, error: FieldError) -> ApiError:
    """422 for the query of a subresource, which is an object of that kind."""
    cause = {"reason": error.reason, "message": error.message, "field": error.field}
    details = {"name": name, "kind": kind, "causes": [cause]}
    return ApiError(422, "Invalid", f'{kind} "{name}" is invalid: {error}', details=details)


def invalid_options(kind: str, error: FieldError) -> ApiError:
    """422 for the query of a request, as for an object of this kind."""
    cause = {"reason": error.reason, "message": error.message, "field": error.field}
    details = {"group": "meta.k8s.io", "kind": kind, "causes": [cause]}
    return ApiError(422, "Invalid", f'{kind}.meta.k8s.io "" is invalid: {error}', details=details)


def invalid(
    rt: ResourceType, name: str, errors: Sequence[FieldError], *, kind: str = ""
) -> ApiError:
    """422 with every cause, as `field.ErrorList` is told to a client."""
    kind_name = kind or rt.kind
    kind = f"{kind_name}.{rt.group}" if rt.group else kind_name
    told = list(dict.fromkeys(str(error) for error in errors))
    words = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    causes = [{"reason": e.reason, "message": e.message, "field": e.field} for e in errors]
    named = {"name": name, "group": rt.group, "kind": kind_name}
    details = {**{key: value for key, value in named.items() if value}, "causes": causes}
    message = f'{kind} "{name}" is invalid: {words}'
    return ApiError(422, "Invalid", message, details=details)


def _details(rt: ResourceType, name: str) -> dict[str, Any]:
    return {"name": name, **({"group": rt.group} if rt.group else {}), "kind": rt.plural}
