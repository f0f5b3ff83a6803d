"""How many executions there are by phase and reason, and how long the longest has waited.

Store -> saw(), settled(), forget() -> totals that are kept as things change <- a scrape, which
reads them from a thread of its own: it costs the same beside ten executions and ten thousand
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

from ccx_api.conditions import ConditionType, Reason
from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.oldest import Oldest

NEW: Final = "New"
"""The reason of what nobody has looked at yet."""

OTHER: Final = "Other"

UNFINISHED: Final[Mapping[Phase, tuple[str, ...]]] = {
    Phase.QUEUED: (
        NEW,
        Reason.SUSPENDED,
        Reason.RESTORED,
        Reason.QUOTA_EXCEEDED,
        Reason.SCHEDULING_GATED,
        OTHER,
    ),
    Phase.STARTING: (
        Reason.POD_CREATED,
        Reason.UNSCHEDULABLE,
        Reason.IMAGE_PULL_ERROR,
        Reason.CONFIG_ERROR,
        Reason.RETRYING,
        Reason.NODE_UNREACHABLE,
        OTHER,
    ),
    Phase.RUNNING: (
        Reason.STARTED,
        Reason.RESUMED,
        Reason.TURN_RESTARTED,
        Reason.NODE_UNREACHABLE,
        OTHER,
    ),
    Phase.PAUSED: (
        Reason.PAUSED_BY_USER,
        Reason.BUDGET_SOFT_LIMIT,
        Reason.RATE_LIMITED,
        Reason.NODE_UNREACHABLE,
        OTHER,
    ),
}
"""The reasons that are told of by name; OTHER is any other."""

_HELD: Final = (Reason.SUSPENDED, Reason.RESTORED)
"""Somebody's own wish: nobody waits for these."""

_Standing = tuple[Phase, str]


class Census:
    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.waiting, self.paused = Oldest(clock), Oldest(clock)
        self._clock = clock
        self._standings: dict[str, _Standing] = {}
        self._totals = Counter[_Standing]()

    def saw(self, execution: ClaudeExecution) -> None:
        """One for which something may be left to do."""
        uid, status = execution.metadata.uid, execution.status
        standing = status.phase, _told(status.phase, status.reason)
        before = self._standings.get(uid)
        if before == standing:
            return
        self._move(uid, standing)
        for oldest, counts, of in (
            (self.waiting, _waits, ConditionType.RUNNING),
            (self.paused, _is_paused, ConditionType.PAUSED),
        ):
            if not counts(standing):
                oldest.forget(uid)
            elif before is None:
                oldest.add(uid, _since(execution, of) or self._clock())
            elif not counts(before):
                oldest.add(uid, self._clock())

    def settled(self, uid: str, phase: Phase) -> None:
        self._move(uid, (phase, ""))
        self._forget_ages(uid)

    def forget(self, uid: str) -> None:
        if (before := self._standings.pop(uid, None)) is not None:
            self._totals[before] -= 1
            self._forget_ages(uid)

    def phases(self) -> Counter[Phase]:
        found = Counter[Phase]()
        for (phase, _), count in self._totals.copy().items():
            found[phase] += count
        return +found

    def unfinished(self) -> Counter[_Standing]:
        return self._totals.copy()

    def _move(self, uid: str, standing: _Standing) -> None:
        if (before := self._standings.get(uid)) is not None:
            self._totals[before] -= 1
        self._standings[uid] = standing
        self._totals[standing] += 1

    def _forget_ages(self, uid: str) -> None:
        self.waiting.forget(uid)
        self.paused.forget(uid)


def _told(phase: Phase, reason: str) -> str:
    known = UNFINISHED.get(phase)
    if known is None:
        return ""
    word = reason or NEW
    return word if word in known else OTHER


def _waits(standing: _Standing) -> bool:
    phase, reason = standing
    return phase in (Phase.QUEUED, Phase.STARTING) and reason not in _HELD


def _is_paused(standing: _Standing) -> bool:
    return standing[0] is Phase.PAUSED


def _since(execution: ClaudeExecution, kind: ConditionType) -> float | None:
    """What has been so since before this process saw it."""
    for condition in execution.status.conditions:
        if condition.type == kind:
            return condition.last_transition_time.timestamp()
    made = execution.metadata.creation_timestamp
    return made.timestamp() if made is not None else None
