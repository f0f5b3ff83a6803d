"""The causes of a 422, in the words of the API server's field package. Pure."""

from typing import Any, Final

import orjson

from devcluster.apierrors import FieldError

NO_PATH: Final = "<nil>"
"""How the server writes the path of the whole object."""

_INVALID: Final = "FieldValueInvalid"
BLOCKING: Final = frozenset(
    {
        "FieldValueNotSupported",
        "FieldValueRequired",
        "FieldValueTooLong",
        "FieldValueTooMany",
        "FieldValueTypeInvalid",
    }
)
"""Errors after which the server does not try CEL rules."""


def invalid(path: str, value: Any, detail: str) -> FieldError:
    return FieldError(path or NO_PATH, _INVALID, f"Invalid value: {quoted(value)}: {detail}")


def type_invalid(path: str, value: str, detail: str) -> FieldError:
    message = f'Invalid value: "{value}": {detail}'
    return FieldError(path or NO_PATH, "FieldValueTypeInvalid", message)


def required(path: str, detail: str = "") -> FieldError:
    message = f"Required value: {detail}" if detail else "Required value"
    return FieldError(path or NO_PATH, "FieldValueRequired", message)


def not_supported(path: str, value: Any, supported: list[Any]) -> FieldError:
    known = ", ".join(quoted(str(item)) for item in supported)
    message = f"Unsupported value: {quoted(value)}: supported values: {known}"
    return FieldError(path or NO_PATH, "FieldValueNotSupported", message)


def too_long(path: str, limit: int) -> FieldError:
    message = f"Too long: may not be more than {limit} bytes"
    return FieldError(path or NO_PATH, "FieldValueTooLong", message)


def too_many(path: str, actual: int, limit: int) -> FieldError:
    items = "item" if limit == 1 else "items"
    message = f"Too many: {actual}: must have at most {limit} {items}"
    return FieldError(path or NO_PATH, "FieldValueTooMany", message)


def duplicate(path: str, value: Any) -> FieldError:
    return FieldError(path or NO_PATH, "FieldValueDuplicate", f"Duplicate value: {quoted(value)}")


def forbidden(path: str, detail: str) -> FieldError:
    return FieldError(path or NO_PATH, "FieldValueForbidden", f"Forbidden: {detail}")


def quoted(value: Any) -> str:
    """A value as Go prints it in these messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value}"
    if isinstance(value, str):
        return orjson.dumps(value).decode()
    return orjson.dumps(value).decode()
