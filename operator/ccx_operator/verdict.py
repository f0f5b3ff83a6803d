"""The outcome of an execution whose process is over. Pure.

It rests on facts that outlive operator and runner: the spec, the pod, the runner's last snapshot.
"""

import signal
from collections.abc import Mapping
from typing import NamedTuple

from ccx_api.conditions import Reason
from ccx_api.snapshot import ClaudeSnapshot, Snapshot
from ccx_api.status import Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.facts import PodFacts
from ccx_operator.progress import turn_restarted
from ccx_operator.wanted import cancel_reason, cancel_wanted

RUNNER_FAULT_CODE = 125
TOO_MANY_REQUESTS, SERVER_ERROR = 429, 500

_TERMINAL_REASONS: Mapping[str | None, Reason] = {
    "api_error": Reason.API_ERROR,
    "max_turns": Reason.MAX_TURNS,
    "budget_exhausted": Reason.BUDGET_EXHAUSTED,
    "aborted_streaming": Reason.INTERRUPTED,
    "aborted_tools": Reason.INTERRUPTED,
}
_SUBTYPES: Mapping[str | None, Reason] = {
    "error_max_turns": Reason.MAX_TURNS,
    "error_max_budget_usd": Reason.BUDGET_EXHAUSTED,
}
_NOBODY_KNOWS = frozenset({"ContainerStatusUnknown", "Unknown"})
"""The node has lost the container, as after a reboot."""

_NEVER_RAN = frozenset({"StartError", "ContainerCannotRun"})


class Verdict(NamedTuple):
    phase: Phase
    reason: Reason
    message: str = ""
    heals: bool = False
    """Another attempt may do better."""

    is_charged: bool = True
    """To spec.backoffLimit, if there is another attempt."""


def verdict(execution: ClaudeExecution, pod: PodFacts | None, snapshot: Snapshot | None) -> Verdict:
    """`pod` is its last state, None if nobody saw it go."""
    return (
        _cancelled(execution, snapshot)
        or _deed(execution, snapshot)
        or _success(execution, snapshot)
        or _out_of_memory(pod)
        or _own_failure(execution, snapshot)
        or _evicted(pod)
        or _without_last_words(execution, pod, snapshot)
        or _lost(pod)
    )


def is_certain(execution: ClaudeExecution, snapshot: Snapshot) -> bool:
    """The node can add nothing to the last words of this runner.

    It can to a KILL from inside, which may be the kernel's for want of memory, and to a TERM from
    outside, whose reason it knows.
    """
    if _cancelled(execution, snapshot) or _success(execution, snapshot):
        return True
    killed = snapshot.ended_by is None and snapshot.exit_code == -signal.SIGKILL
    return not killed and _own_failure(execution, snapshot) is not None


def _cancelled(execution: ClaudeExecution, snapshot: Snapshot | None) -> Verdict | None:
    if cancel_wanted(execution):
        started = snapshot is not None or execution.status.start_time is not None
        text = "cancelled" if started else "cancelled before its process started"
        return Verdict(Phase.CANCELLED, cancel_reason(execution), text)
    if snapshot is not None and snapshot.ended_by == "Cancel":
        text = "cancelled through the runner; spec.desiredState does not say so"
        return Verdict(Phase.CANCELLED, Reason.CANCELLED_BY_USER, text)
    return None


def _deed(execution: ClaudeExecution, snapshot: Snapshot | None) -> Verdict | None:
    """What the runner did to a living process: it outlives the loss of the pod."""
    if snapshot is None:
        return None
    if snapshot.ended_by == "Deadline" and snapshot.stalled:
        silence = execution.spec.stall_timeout_seconds
        text = f"nothing was heard of it for {silence} s (spec.stallTimeoutSeconds), and no tool "
        text += "call was open"
        return Verdict(Phase.FAILED, Reason.STALLED, text)
    if snapshot.ended_by == "Deadline":
        limit = execution.spec.active_deadline_seconds
        text = f"ran longer than spec.activeDeadlineSeconds ({limit}); paused time does not count"
        return Verdict(Phase.FAILED, Reason.DEADLINE_EXCEEDED, text)
    if snapshot.ended_by == "RunnerFault":
        return Verdict(Phase.FAILED, Reason.RUNNER_FAULT, snapshot.message)
    return None


def _success(execution: ClaudeExecution, snapshot: Snapshot | None) -> Verdict | None:
    if snapshot is None:
        return None
    if execution.spec.command is not None:
        by_itself = snapshot.state == "Ended" and snapshot.ended_by is None
        succeeded = by_itself and snapshot.exit_code == 0
    else:
        succeeded = snapshot.claude is not None and snapshot.claude.is_error is False
    if not succeeded:
        return None
    lingered = "its process did not exit within the grace after the result, and was ended"
    told = (lingered if snapshot.ended_by == "Lingered" else "", turn_restarted(snapshot))
    return Verdict(Phase.SUCCEEDED, Reason.COMPLETED, "; ".join(filter(None, told)))


def _out_of_memory(pod: PodFacts | None) -> Verdict | None:
    if pod is None or pod.agent.reason != "OOMKilled" or pod.agent.exit_code == 0:
        return None
    text = "out of memory: raise spec.resources.limits.memory"
    return Verdict(Phase.FAILED, Reason.OOM_KILLED, text, heals=True)


def _own_failure(execution: ClaudeExecution, snapshot: Snapshot | None) -> Verdict | None:
    if snapshot is None or snapshot.state != "Ended" or snapshot.ended_by == "Outside":
        return None
    claude, code = snapshot.claude, snapshot.exit_code
    if claude is not None and claude.is_error and claude.cut_off:
        return Verdict(Phase.FAILED, Reason.INTERRUPTED, snapshot.message)
    if claude is not None and claude.is_error:
        return _error(execution, claude)
    told = f": {snapshot.message}" if snapshot.message else ""
    if snapshot.ended_by == "Inside":
        text = f"a TERM or INT was sent to the runner from inside the pod{told}"
        return Verdict(Phase.FAILED, Reason.SIGNAL, text)
    if code is not None and code < 0:
        text = f"{_signal_name(-code)} from inside ended it{told}"
        return Verdict(Phase.FAILED, Reason.SIGNAL, text)
    if execution.spec.command is None:
        return Verdict(Phase.FAILED, Reason.NO_RESULT, f"{_no_result(code)}{told}")
    return Verdict(Phase.FAILED, Reason.EXIT_CODE, f"ended with exit code {code}{told}")


def _evicted(pod: PodFacts | None) -> Verdict | None:
    if pod is None or not pod.evicted:
        return None
    text = pod.message or "its pod was evicted"
    return Verdict(Phase.FAILED, Reason.EVICTED, text, heals=True)


def _without_last_words(
    execution: ClaudeExecution, pod: PodFacts | None, snapshot: Snapshot | None
) -> Verdict | None:
    """The container's end as the kubelet saw it, where no snapshot tells of the process's end."""
    if pod is None:
        return None
    if pod.init_failure and not pod.started:  # a sidecar's end, after the agent's, is no failure
        ours = pod.init_failure.startswith("the runner's")
        reason = Reason.RUNNER_FAULT if ours else Reason.EXIT_CODE
        return Verdict(Phase.FAILED, reason, pod.init_failure)
    code, why = pod.agent.exit_code, pod.agent.fault or pod.agent.reason
    if (
        code is None
        or pod.terminating
        or pod.agent.reason in _NOBODY_KNOWS
        or (snapshot and snapshot.ended_by == "Outside")
    ):
        return None
    if pod.agent.reason in _NEVER_RAN:
        text = f"the image cannot start the runner, it needs python3 3.10 or newer: {why}"
        return Verdict(Phase.FAILED, Reason.CONFIG_ERROR, text)
    if code == RUNNER_FAULT_CODE:
        return Verdict(Phase.FAILED, Reason.RUNNER_FAULT, why)
    if pod.agent.unreadable and execution.spec.command is None:
        text = f"whether Claude has succeeded is not known: {pod.agent.unreadable}"
        return Verdict(Phase.FAILED, Reason.RUNNER_FAULT, text)
    if execution.spec.command is None:
        return Verdict(Phase.FAILED, Reason.NO_RESULT, _no_result(code))
    if code == 0:
        return Verdict(Phase.SUCCEEDED, Reason.COMPLETED, "")
    return Verdict(Phase.FAILED, Reason.EXIT_CODE, f"ended with exit code {code}")


def _lost(pod: PodFacts | None) -> Verdict:
    if pod is None or not (pod.reason or pod.message):
        text = "its pod was deleted or lost before the process had ended by itself"
    else:
        text = f"the node ended its pod: {pod.reason or 'Failed'}: {pod.message}"
    return Verdict(Phase.FAILED, Reason.POD_LOST, text, heals=True)


def _error(execution: ClaudeExecution, claude: ClaudeSnapshot) -> Verdict:
    ended, status = execution.status.ended_attempts, claude.api_status
    if ended is not None and ended.resume is not None and not claude.turns:
        text = f"its conversation {ended.resume} is not in the home directory any more"
        return Verdict(Phase.FAILED, Reason.CLAUDE_ERROR, text, heals=True, is_charged=False)
    busy = status is not None and (status == TOO_MANY_REQUESTS or status >= SERVER_ERROR)
    return Verdict(Phase.FAILED, _error_reason(claude), _error_text(claude), heals=busy)


def _error_reason(claude: ClaudeSnapshot) -> Reason:
    by_subtype = _SUBTYPES.get(claude.subtype, Reason.CLAUDE_ERROR)
    return _TERMINAL_REASONS.get(claude.terminal_reason, by_subtype)


def _error_text(claude: ClaudeSnapshot) -> str:
    word = claude.terminal_reason or claude.subtype or "error"
    if claude.api_status is not None:
        word += f" (HTTP {claude.api_status})"
    return f"Claude reports {word}" + (": see status.result.text" if claude.result else "")


def _no_result(code: int | None) -> str:
    hint = f" ({_signal_name(code - 128)})" if code is not None and 128 < code < 160 else ""
    return f"Claude ended with exit code {code}{hint} and without a result"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
