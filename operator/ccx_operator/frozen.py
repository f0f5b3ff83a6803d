"""Who has frozen a process, in the words of the status. Pure.

A freeze has owners, who let go each of its own: the reason is that of the first one here, the
message names all.
"""

from typing import Final, NamedTuple

from ccx_api.conditions import Reason
from ccx_api.snapshot import Snapshot


class _Owner(NamedTuple):
    reason: Reason
    text: str


_OWNERS: Final = {
    "spec": _Owner(Reason.PAUSED_BY_USER, "by spec.desiredState"),
    "local": _Owner(
        Reason.PAUSED_BY_USER, "from inside the pod: `ccx-runner resume` there thaws it"
    ),
    "budget": _Owner(Reason.BUDGET_SOFT_LIMIT, "at the soft limit of its budget"),
    "rateLimit": _Owner(Reason.RATE_LIMITED, "until the API's rate limit is over"),
}
REASONS: Final = frozenset(owner.reason for owner in _OWNERS.values())


def reason_of(snapshot: Snapshot) -> Reason:
    """Of a freeze whose owners a newer runner names otherwise, it is not known better."""
    owners = [owner for name, owner in _OWNERS.items() if name in snapshot.frozen_by]
    return owners[0].reason if owners else Reason.PAUSED_BY_USER


def text_of(snapshot: Snapshot) -> str:
    """One who pauses by the spec knows it, and is told the count alone."""
    count = snapshot.control.processes_stopped if snapshot.control else 0
    text = {0: "frozen", 1: "1 process frozen"}.get(count, f"{count} processes frozen")
    if set(snapshot.frozen_by) <= {"spec"}:
        return text
    known = [owner.text for name, owner in _OWNERS.items() if name in snapshot.frozen_by]
    others = sorted(set(snapshot.frozen_by) - _OWNERS.keys())
    return " ".join([text, ", and ".join([*known, *(f"by {name}" for name in others)])])
