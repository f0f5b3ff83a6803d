"""The usage record of a namespace: a ConfigMap with a text a day, and later a month. Pure.

execution -> entry_of() -> Entry -> added() to the ConfigMap

It says whose usage it has lately taken in, and which operator wrote it last: docs/decisions/0019.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from ccx_api.names import GROUP, USAGE_RECORD
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.usage_tally import (
    Tallies,
    Tally,
    UnreadableError,
    amount,
    model_name,
    plus,
    read,
    written,
)

Body = dict[str, Any]

DAYS: Final = 92
MONTHS: Final = 24
"""What is older than so many days is added to its month, and what is older than these goes."""

MAX_UIDS: Final = 1000

RECORDED: Final = f"{GROUP}/recorded"
"""Whose usage is in it although their finalizers may still be there, by uid."""

RECORDER: Final = f"{GROUP}/recorder"
"""Who wrote it last: a word of one life of an operator."""

_LABELS: Final = {
    "app.kubernetes.io/name": "cc-executor",
    "app.kubernetes.io/component": "usage",
    "app.kubernetes.io/managed-by": "ccx-operator",
}
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTH: Final = re.compile(r"\d{4}-\d{2}")


@dataclass(frozen=True, slots=True)
class Entry:
    """What one execution adds."""

    uid: str
    namespace: str
    name: str
    day: date
    """Of its end, in UTC."""

    model: str
    tally: Tally


def entry_of(execution: ClaudeExecution, now: datetime) -> Entry:
    metadata, status = execution.metadata, execution.status
    counts = {status.phase.value.lower(): 1, "activeSeconds": max(0, status.active_seconds or 0)}
    cost = amount(0)
    if (usage := status.usage) is not None:
        cost = amount(usage.cost_usd)
        counts |= {
            "inputTokens": max(0, usage.input_tokens),
            "outputTokens": max(0, usage.output_tokens),
            "cacheReadTokens": max(0, usage.cache_read_tokens),
            "cacheCreationTokens": max(0, usage.cache_creation_tokens),
        }
    return Entry(
        uid=metadata.uid,
        namespace=metadata.namespace,
        name=metadata.name,
        day=(status.completion_time or now).astimezone(UTC).date(),
        model=model_name(status.session.model if status.session else None),
        tally=Tally(counts, cost),
    )


def recorded(body: Body | None) -> tuple[str, ...]:
    return tuple(_annotations(body).get(RECORDED, "").split())


def recorder(body: Body | None) -> str | None:
    return _annotations(body).get(RECORDER)


def added(
    body: Body | None,
    entries: Collection[Entry],
    *,
    keep: Callable[[str], bool],
    recorder: str,
    today: date,
) -> Body:
    """The ConfigMap with the entries in it. Of the uids from before those to `keep` stay."""
    (namespace,) = {entry.namespace for entry in entries}
    old = body or {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": USAGE_RECORD}}
    uids = [uid for uid in recorded(body) if keep(uid)] + [entry.uid for entry in entries]
    notes = {RECORDED: " ".join(uids[-MAX_UIDS:]), RECORDER: recorder}
    metadata = {
        **old["metadata"],
        "namespace": namespace,
        "labels": {**(old["metadata"].get("labels") or {}), **_LABELS},
        "annotations": {**_annotations(body), **notes},
    }
    data = _with(_folded(old.get("data") or {}, today), entries, today)
    return {**old, "metadata": metadata, "data": dict(sorted(data.items(), reverse=True))}


def _with(data: dict[str, str], entries: Iterable[Entry], today: date) -> dict[str, str]:
    periods: dict[str, Tallies] = {}
    for entry in entries:
        key = _period(entry.day, today)
        periods[key] = plus(_read(data, key, periods), entry.model, entry.tally)
    return {**data, **{key: written(tallies) for key, tallies in periods.items()}}


def _read(data: dict[str, str], key: str, periods: dict[str, Tallies]) -> Tallies:
    if key in periods:
        return periods[key]
    try:
        return read(data[key]) if key in data else {}
    except UnreadableError as exc:
        text = f"data.{key} of ConfigMap {USAGE_RECORD} {exc}: correct it, or remove that key"
        raise UnreadableError(text) from exc


def _period(day: date, today: date) -> str:
    return day.isoformat() if day > today - timedelta(days=DAYS) else f"{day:%Y-%m}"


def _folded(data: dict[str, str], today: date) -> dict[str, str]:
    """Old days in their months. What cannot be read stays as it is."""
    kept = dict(data)
    first_day = (today - timedelta(days=DAYS - 1)).isoformat()
    for key in sorted(key for key in data if _DAY.fullmatch(key) and key < first_day):
        try:
            month = _read(kept, key[:7], {})
            for model, tally in read(data[key]).items():
                month = plus(month, model, tally)
        except UnreadableError:
            continue
        kept[key[:7]] = written(month)
        del kept[key]
    first = today.year * 12 + today.month - 1 - MONTHS
    first_month = f"{first // 12:04}-{first % 12 + 1:02}"
    return {k: v for k, v in kept.items() if not (_MONTH.fullmatch(k) and k < first_month)}


def _annotations(body: Body | None) -> dict[str, str]:
    return ((body or {}).get("metadata") or {}).get("annotations") or {}
