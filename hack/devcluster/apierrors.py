"""The errors of the API server, in its own words, and their Status objects.

verbs, admission, validation -> raise ApiError -> app.py -> metav1.Status with the HTTP code
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
        self.details = details or {}
        self.retry_after = retry_after
        if retry_after is not None:
            self.details = {**self.details, "retryAfterSeconds": retry_after}

    def status(self) -> dict[str, Any]:
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            **({"details": self.details} if self.details else {}),
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
    return ApiError(404, "NotFound", "the server could not find the requested resource")


def already_exists(rt: ResourceType, name: str) -> ApiError:
    message = f'{rt.key} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, details=_details(rt, name))


def conflict(rt: ResourceType, name: str, why: str = "") -> ApiError:
    words = why or (
        "the object has been modified; please apply your changes to the latest version and try "
        "again"
    )
    message = f'Operation cannot be fulfilled on {rt.key} "{name}": {words}'
    return ApiError(409, "Conflict", message, details=_details(rt, name))


def forbidden(rt: ResourceType, name: str, why: str) -> ApiError:
    message = f'{rt.key} "{name}" is forbidden: {why}'
    return ApiError(403, "Forbidden", message, details=_details(rt, name))


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def expired(message: str) -> ApiError:
    return ApiError(410, "Expired", message)


def method_not_allowed() -> ApiError:
    message = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", message)


def unsupported_media_type(offered: str, accepted: Sequence[str]) -> ApiError:
    message = (
        "the body of the request was in an unknown format - accepted media types include: "
        + ", ".join(accepted)
        + f" (not {offered})"
    )
    return ApiError(415, "UnsupportedMediaType", message)


def invalid(rt: ResourceType, name: str, errors: Sequence[FieldError]) -> ApiError:
    """422 with every cause, as `field.ErrorList` is told to a client."""
    kind = f"{rt.kind}.{rt.group}" if rt.group else rt.kind
    told = list(dict.fromkeys(str(error) for error in errors))
    words = told[0] if len(told) == 1 else f"[{', '.join(told)}]"
    causes = [{"reason": e.reason, "message": e.message, "field": e.field} for e in errors]
    details = {"name": name, "group": rt.group, "kind": rt.kind, "causes": causes}
    message = f'{kind} "{name}" is invalid: {words}'
    return ApiError(422, "Invalid", message, details=details)


def _details(rt: ResourceType, name: str) -> dict[str, Any]:
    return {"name": name, **({"group": rt.group} if rt.group else {}), "kind": rt.plural}
