"""Ages as kubectl shows them. Pure."""

from datetime import datetime


def age(since: str | None, now: datetime) -> str:
    """`since` is a timestamp of the API; unreadable or absent is <unknown>."""
    try:
        began = datetime.fromisoformat(since or "")
    except ValueError:
        return "<unknown>"
    return human_duration((now - began).total_seconds())


def human_duration(seconds: float) -> str:
    """The same steps as k8s.io/apimachinery duration.HumanDuration."""
    if seconds < -1:
        return "<invalid>"
    whole = max(int(seconds), 0)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    if whole < 120:
        return f"{whole}s"
    if minutes < 10:
        return _two(minutes, "m", whole % 60, "s")
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    return _two(days // 365, "y", days % 365, "d") if days < 2920 else f"{days // 365}y"


def _two(big: int, unit: str, small: int, small_unit: str) -> str:
    return f"{big}{unit}{small}{small_unit}" if small else f"{big}{unit}"
