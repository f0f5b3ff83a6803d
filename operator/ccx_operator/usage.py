"""Turns, tokens and cost over all attempts of an execution, each counted once. Pure.

ended attempts + what Claude tells in this one -> the sums of the status

Claude counts tokens and cost on over --resume, since the conversation began: of what it tells,
what it had counted before this attempt is taken away.
"""

from decimal import Decimal

from ccx_api.snapshot import ClaudeSnapshot
from ccx_api.status import EndedAttempts, UsageStatus

_COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_creation_tokens")


def usage_of(claude: ClaudeSnapshot) -> UsageStatus | None:
    """Of the whole conversation, as Claude counts. None: it has not told."""
    counts = claude.usage.model_dump(by_alias=False)
    if claude.cost_usd is None and not any(counts.values()):
        return None
    return UsageStatus(**counts, cost_usd=claude.cost_usd)


def usage_with(ended: EndedAttempts, told: UsageStatus | None) -> UsageStatus | None:
    """Of all attempts, where the newest one's Claude has told so much."""
    if told is None:
        return ended.usage
    return _plus(ended.usage, _since(ended.resume_usage, told))


def counted(ended: EndedAttempts, total: UsageStatus | None) -> UsageStatus | None:
    """What Claude has counted in its conversation, where all attempts together come to `total`."""
    if total is None:
        return ended.resume_usage
    return _plus(ended.resume_usage, _since(ended.usage, total))


def _since(before: UsageStatus | None, told: UsageStatus) -> UsageStatus:
    """A count that is lower than before has begun anew: a killed Claude loses its own."""
    if before is None:
        return told
    update: dict[str, object] = {}
    for field in _COUNTS:
        now, then = getattr(told, field), getattr(before, field)
        update[field] = now - then if now >= then else now
    now, then = _money(told), _money(before)
    update["cost_usd"] = _text(now - then if now >= then else now) if told.cost_usd else None
    return UsageStatus.model_validate(update)


def _plus(one: UsageStatus | None, other: UsageStatus) -> UsageStatus:
    if one is None:
        return other
    sums = {field: getattr(one, field) + getattr(other, field) for field in _COUNTS}
    told = one.cost_usd is not None or other.cost_usd is not None
    return UsageStatus(**sums, cost_usd=_text(_money(one) + _money(other)) if told else None)


def _money(usage: UsageStatus) -> Decimal:
    return Decimal(usage.cost_usd or "0")


def _text(money: Decimal) -> str:
    return f"{money.normalize():f}"
