# ruff: noqa: N818 - the names say what is wrong
"""Everything a client can be told went wrong, and its JSON-RPC code.

    GatewayError              -32603
    ├── ParseError            -32700
    ├── InvalidRequest        -32600
    ├── MethodNotFound        -32601
    ├── InvalidParams         -32602
    ├── SessionLimit          -32001
    ├── CommandNotAllowed     -32002
    ├── NoProcess             -32003
    ├── StreamTimeout         -32004
    ├── ExecutionNotFound     -32010
    ├── ExecutionFinished     -32011
    ├── Forbidden             -32012
    ├── SignalNotDelivered    -32014   retryable
    ├── ClusterUnavailable    -32015   retryable
    └── LimitExceeded         -32016   retryable

Down to StreamTimeout the numbers are the original service's, and mean what they meant there.
Ours keep to -32010..-32019: MCP leaves -32000..-32019 to the implementation.
"""

from typing import Any, ClassVar, Final, Self

from pydantic import ValidationError

from ccx_kube.errors import ApiError

_TOLD: Final = frozenset(
    {
        "missing",
        "enum",
        "literal_error",
        "string_type",
        "string_too_short",
        "string_pattern_mismatch",
    }
    | {"int_type", "int_parsing", "int_from_float", "bool_type", "bool_parsing", "dict_type"}
    | {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "string_too_long"}
)
"""Rules of pydantic's whose message names the rule alone."""


class GatewayError(Exception):
    """An error whose text is meant for the client."""

    code: ClassVar[int] = -32603
    retryable: ClassVar[bool] = False


class ParseError(GatewayError):
    code = -32700


class InvalidRequest(GatewayError):
    code = -32600


class MethodNotFound(GatewayError):
    code = -32601


class InvalidParams(GatewayError):
    code = -32602

    @classmethod
    def from_validation(cls, exc: ValidationError) -> Self:
        """Name the first field, the rule it breaks, and where that is known, what would be right.

        Pydantic's whole text quotes the input; of the rules in _TOLD its message does not.
        """
        first = exc.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(str(part)[:64] for part in first["loc"]) or "params"
        right = f": {first['msg']}" if first["type"] in _TOLD else ""
        return cls(f"{field}: {first['type']}{right}")


class SessionLimit(GatewayError):
    code = -32001


class CommandNotAllowed(GatewayError):
    code = -32002


class NoProcess(GatewayError):
    code = -32003


class StreamTimeout(GatewayError):
    code = -32004


class ExecutionNotFound(GatewayError):
    code = -32010


class ExecutionFinished(GatewayError):
    code = -32011


class Forbidden(GatewayError):
    code = -32012


class SignalNotDelivered(GatewayError):
    code = -32014
    retryable = True


class ClusterUnavailable(GatewayError):
    code = -32015
    retryable = True


class LimitExceeded(GatewayError):
    code = -32016
    retryable = True


def error_object(exc: Exception) -> dict[str, Any]:
    """Turn any exception into a JSON-RPC error object. The one place where that happens.

    An unexpected exception says nothing of itself on the wire; the caller logs it.
    """
    if isinstance(exc, ApiError):
        exc = of_api_error(exc)
    if not isinstance(exc, GatewayError):
        exc = GatewayError("internal error")
    return {"code": exc.code, "message": str(exc), "data": {"retryable": exc.retryable}}


def of_api_error(exc: ApiError) -> GatewayError:
    """What the API server's answer means to a client; its words where they are on the input."""
    match exc.status:
        case 404:
            return ExecutionNotFound("no such execution")
        case 400 | 409 | 422:
            return InvalidParams(exc.message)
        case 401 | 403:
            return Forbidden("the cluster does not allow the gateway to do this")
        case _:
            return ClusterUnavailable(f"the API server does not answer as it should: {exc.reason}")
