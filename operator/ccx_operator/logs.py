"""What the operator's log lines say beside the message: of which execution, and what went wrong."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from ccx_kube import log_format
from ccx_kube.errors import ApiError, KubeError
from ccx_operator.controller import DoesNotSettleError
from ccx_operator.election import LeadershipLostError

QUIET: Final = ("kopf", "aiohttp")


def configure(log_format_name: str) -> None:
    log_format.configure(log_format.formatter(log_format_name, ADDED), quiet=QUIET)


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    execution = getattr(record, "execution", None)
    return {} if execution is None else {"execution": execution}


def _words(record: logging.LogRecord) -> str:
    match getattr(record, "execution", None):
        case {"namespace": namespace, "name": name}:
            return f" {namespace}/{name}"
        case str(uid):
            return f" {uid}"
    return ""


def _fit_text(exc: BaseException) -> str:
    if isinstance(exc, ApiError):
        return f"({exc.status} {exc.reason})"  # its message may quote the object
    if isinstance(exc, KubeError | OSError | DoesNotSettleError | LeadershipLostError):
        return f"({exc})"
    return ""


ADDED: Final = log_format.Added(_fields, _words, _fit_text)
