"""Logs as JSON lines or text, without prompts and secrets.

The text of an arbitrary exception may quote its input, which here may be a prompt. So of an
exception the type and the place are logged, and the text only where it is known to be fit.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Final

from ccx_kube.errors import ApiError, KubeError
from ccx_operator.controller import DoesNotSettleError
from ccx_operator.election import LeadershipLostError

_FRAMES: Final = 5


def configure(log_format: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("aiohttp").setLevel(logging.WARNING)


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (execution := getattr(record, "execution", None)) is not None:
            line["execution"] = execution
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = describe(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        text = f"{time} {record.levelname:7} {record.getMessage()}"
        match getattr(record, "execution", None):
            case {"namespace": namespace, "name": name}:
                text += f" {namespace}/{name}"
            case str(uid):
                text += f" {uid}"
        if record.exc_info and record.exc_info[1] is not None:
            text += f": {describe(record.exc_info[1])}"
        return text


def describe(exc: BaseException) -> str:
    frames = traceback.extract_tb(exc.__traceback__)[-_FRAMES:]
    where = " < ".join(f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in reversed(frames))
    return " ".join(part for part in (type(exc).__name__, _fit_text(exc), where) if part)


def _fit_text(exc: BaseException) -> str:
    if isinstance(exc, ApiError):
        return f"({exc.status} {exc.reason})"  # its message may quote the object
    if isinstance(exc, KubeError | OSError | DoesNotSettleError | LeadershipLostError):
        return f"({exc})"
    return ""
