"""The last status of an execution, and when its process counts as over. Pure.

The end of the process is the end of the execution. Its container may outlive it for a while, as
readers drain it: one that is behind is not to put the end off for everybody else.
"""

from datetime import datetime, timedelta
from typing import Final

from ccx_api.snapshot import Snapshot
from ccx_api.status import ExecutionStatus
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.attempts import may_retry, with_facts
from ccx_operator.conditions import settle
from ccx_operator.facts import PodFacts
from ccx_operator.lost_time import with_lost_time
from ccx_operator.observed import Observed
from ccx_operator.verdict import is_certain, verdict
from ccx_operator.wanted import PATIENCE

LINGER: Final = timedelta(seconds=1)
"""Within which a container usually follows its process: then the node's word counts as well."""


def lost_at(pod: PodFacts, node_lost: timedelta) -> datetime | None:
    """When a pod whose node says nothing, or which should long be gone, counts as lost."""
    times = [time for time in (pod.unreachable_since, pod.gone_by) if time is not None]
    return min(times) + node_lost if times else None


def overdue_at(pod: PodFacts) -> datetime | None:
    """When a deletion that its node should have carried out by then tells of the node."""
    return None if pod.gone_by is None else pod.gone_by + PATIENCE


def decided_at(
    execution: ClaudeExecution, pod: PodFacts, last_words: Snapshot, since: datetime | None
) -> datetime | None:
    """When the runner's word is enough although its container goes on. None: not without that.

    Another attempt waits for the container's end anyway.
    """
    if since is None or pod.terminating:
        return None
    if may_retry(execution, verdict(execution, pod, last_words)):
        return None
    return since + LINGER if is_certain(execution, last_words) else None


def drained_at(execution: ClaudeExecution) -> datetime | None:
    """Until when the pod of an ended process is left alone. None: it is not known to have ended."""
    process, completed = execution.status.process, execution.status.completion_time
    if process is None or process.state != "Ended" or completed is None:
        return None
    return completed + PATIENCE


def finished(
    execution: ClaudeExecution, pod: PodFacts | None, observed: Observed, *, now: datetime
) -> ExecutionStatus:
    snapshot = observed.snapshot
    status = with_facts(execution.status, pod, snapshot)
    status = with_lost_time(execution.status, status, pod, snapshot, now=now)
    ended = pod.agent.finished_at if pod is not None else None
    update = {
        "completion_time": ended or now.replace(microsecond=0),
        "node_name": (pod.node if pod is not None else None) or status.node_name,
    }
    status = status.model_copy(update=update)
    phase, reason, message, *_ = verdict(execution, pod, snapshot)
    told = snapshot is not None and snapshot.state == "Ended"
    if isinstance(observed.pod, PodFacts) and not observed.pod.over and not told:
        message += "; its node does not say whether the process has ended"
    return settle(execution, status, phase, reason, message, now=now)
