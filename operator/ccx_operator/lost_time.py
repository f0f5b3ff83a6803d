"""How long a process has run that is over without its runner's last words. Pure.

status before, pod, newest snapshot -> the seconds that are proven -> status

Its deadline is one of all attempts, and a command is not sampled while it runs: what it has used
is told by its container's times. Paused time that is known is taken off; of one that was last
known to be paused, nothing since then is counted.
"""

from datetime import datetime

from ccx_api.snapshot import Snapshot
from ccx_api.status import EndedAttempts, ExecutionStatus, Phase
from ccx_operator.facts import PodFacts


def with_lost_time(
    before: ExecutionStatus,
    told: ExecutionStatus,
    pod: PodFacts | None,
    snapshot: Snapshot | None,
    *,
    now: datetime,
) -> ExecutionStatus:
    """`told` is `before` with what pod and snapshot say."""
    known = max(before.active_seconds or 0, told.active_seconds or 0)
    if pod is not None and pod.agent.started_at is not None and _ran(before, snapshot):
        known = max(known, _counted(told, pod, pod.agent.started_at, now))
    return told.model_copy(update={"active_seconds": known}) if known else told


def _counted(told: ExecutionStatus, pod: PodFacts, began: datetime, now: datetime) -> int:
    """Of all attempts."""
    over = pod.agent.finished_at or pod.unreachable_since or now
    lived = int((over - began).total_seconds())
    ended = told.ended_attempts or EndedAttempts()
    paused = (told.paused_seconds or 0) - ended.paused_seconds
    return ended.active_seconds + max(0, lived - paused)


def _ran(before: ExecutionStatus, snapshot: Snapshot | None) -> bool:
    """When it was last heard of, and has not told its end."""
    if snapshot is not None:
        return snapshot.state == "Running"
    return before.phase is Phase.RUNNING
