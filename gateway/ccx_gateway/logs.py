"""What the gateway's log lines say beside the message: the audit's fields. No exception's text."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from ccx_kube import log_format

QUIET: Final = ("aiohttp",)


def configure(log_format_name: str) -> None:
    log_format.configure(log_format.formatter(log_format_name, ADDED), quiet=QUIET)


def _fields(record: logging.LogRecord) -> Mapping[str, Any]:
    audit: Mapping[str, Any] = getattr(record, "audit", {})
    return audit


def _words(record: logging.LogRecord) -> str:
    audit = _fields(record)
    return "".join(f" {k}={v}" for k, v in audit.items() if k not in ("action", "outcome"))


ADDED: Final = log_format.Added(_fields, _words)
