"""Logs as JSON lines or text, on stderr, without prompts and secrets.

The text of an arbitrary exception may quote its input, which here may be a prompt. So of an
exception the type and the place are logged, and the text only where it is known to be fit.

Here, as operator and gateway know nothing of each other, and both stand on this package; what
each of them adds to a line is in a logs.py of its own.
"""

import json
import logging
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

_FRAMES: Final = 5


@dataclass(frozen=True, slots=True)
class Added:
    """What a program's own lines say beside the message."""

    fields: Callable[[logging.LogRecord], Mapping[str, Any]]
    """Of a JSON line."""

    words: Callable[[logging.LogRecord], str]
    """Of a line of text, behind the message: empty, or with a space before it."""

    fit_text: Callable[[BaseException], str] = lambda _: ""
    """What of an exception's own text may be logged."""


def configure(formatter: logging.Formatter, *, quiet: Iterable[str]) -> None:
    """`quiet` are loggers of others, of which only warnings are wanted."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in quiet:
        logging.getLogger(name).setLevel(logging.WARNING)


def formatter(log_format: str, added: Added) -> logging.Formatter:
    return JsonFormatter(added) if log_format == "json" else TextFormatter(added)


class _Formatter(logging.Formatter):
    def __init__(self, added: Added) -> None:
        super().__init__()
        self._added = added


class JsonFormatter(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= self._added.fields(record)
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = _describe(record.exc_info[1], self._added)
        return json.dumps(line, ensure_ascii=False)


class TextFormatter(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        text = f"{time} {record.levelname:7} {record.getMessage()}{self._added.words(record)}"
        if record.exc_info and record.exc_info[1] is not None:
            text += f": {_describe(record.exc_info[1], self._added)}"
        return text


def _describe(exc: BaseException, added: Added) -> str:
    frames = traceback.extract_tb(exc.__traceback__)[-_FRAMES:]
    where = " < ".join(f"{f.filename.rpartition('/')[2]}:{f.lineno}" for f in reversed(frames))
    return " ".join(part for part in (type(exc).__name__, added.fit_text(exc), where) if part)
