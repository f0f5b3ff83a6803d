"""What two clusters can never answer alike, replaced by a word: uids, versions, times, names.

answer -> normal() -> what is compared. Pure.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

_BY_KEY: Final = {"uid": "UID", "resourceVersion": "VERSION", "continue": "CONTINUE"}
_BY_FORM: Final = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UID"),
    (re.compile(r'Invalid value: "\{(?:[^"\\]|\\.)*"'), 'Invalid value: "OBJECT"'),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "TIME"),
)


def normal(value: Any, names: Mapping[str, str]) -> Any:
    """`names` are this cluster's own: what is generated, and the word that stands for it."""
    if isinstance(value, dict):
        if value.get("kind") == "Status":
            value = _in_one_order(value)
        return {_text(key, names): _field(key, child, names) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [normal(item, names) for item in value]
    if isinstance(value, bytes):
        return _text(value.decode("utf-8", "backslashreplace"), names)
    return _text(value, names) if isinstance(value, str) else value


def _field(key: str, value: Any, names: Mapping[str, str]) -> Any:
    if key in _BY_KEY and isinstance(value, str) and value:
        return _BY_KEY[key]
    if key == "managedFields" and isinstance(value, list):
        value = sorted(value, key=_writer)  # the server's order depends on the second
    return normal(value, names)


def _in_one_order(status: dict[str, Any]) -> dict[str, Any]:
    """The server finds the mistakes of one object in an order of chance, and some of them twice."""
    details = status.get("details") or {}
    found = details.get("causes") or []
    causes = [cause for n, cause in enumerate(found) if cause not in found[:n]]
    if causes:
        status = {**status, "details": {**details, "causes": causes}}
    before, several, _ = str(status.get("message")).partition(" is invalid: [")
    if len(causes) < 2 or not several:
        return status
    ordered = sorted(causes, key=lambda cause: (cause.get("field", ""), cause["message"]))
    details = {**status["details"], "causes": ordered}
    return {**status, "message": f"{before}{several}CAUSES]", "details": details}


def _writer(entry: Any) -> list[str]:
    names = ("operation", "manager", "subresource", "apiVersion")
    return [str(entry.get(name) or "") for name in names]


def _text(text: str, names: Mapping[str, str]) -> str:
    for name, word in names.items():
        text = text.replace(name, word)
    for form, word in _BY_FORM:
        text = form.sub(word, text)
    return text
