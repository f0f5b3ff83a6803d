"""What is counted of executions: each fact once, when the status that tells of it is written.

status before, status written -> moved() -> counters, histograms

A status write is refused unless it rests on the newest version, so that no two operators tell of
one transition, and a restart or another list counts nothing again. What a crash cuts off between
the write and the count is missing in the counters, never in the status.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from ccx_api.conditions import Reason
from ccx_api.status import ExecutionStatus, OutputStatus, Phase, UsageStatus
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.model_label import ModelLabels
from ccx_operator.usage_tally import amount

OTHER: Final = "Other"
FINISHED: Final[Mapping[Phase, tuple[str, ...]]] = {
    Phase.SUCCEEDED: (Reason.COMPLETED,),
    Phase.FAILED: (
        Reason.NOT_ALLOWED,
        Reason.POD_REJECTED,
        Reason.POD_NAME_TAKEN,
        Reason.START_DEADLINE_EXCEEDED,
        Reason.CONFIG_ERROR,
        Reason.API_ERROR,
        Reason.MAX_TURNS,
        Reason.BUDGET_EXHAUSTED,
        Reason.INTERRUPTED,
        Reason.CLAUDE_ERROR,
        Reason.EXIT_CODE,
        Reason.SIGNAL,
        Reason.NO_RESULT,
        Reason.RUNNER_FAULT,
        Reason.DEADLINE_EXCEEDED,
        Reason.OOM_KILLED,
        Reason.EVICTED,
        Reason.POD_LOST,
        OTHER,
    ),
    Phase.CANCELLED: (Reason.CANCELLED_BY_USER, Reason.SESSION_CLOSED),
}
"""The outcomes that are told of by name."""

RETRIED: Final[tuple[str, ...]] = (
    Reason.POD_LOST,
    Reason.EVICTED,
    Reason.OOM_KILLED,
    Reason.API_ERROR,
    Reason.CLAUDE_ERROR,
    OTHER,
)
CONTROLS: Final = ("pause", "resume", "cancel", "interrupt")
TOKENS: Final = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_tokens",
    "cache_creation": "cache_creation_tokens",
}

_STARTS: Final = (0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600)
_RUNS: Final = (1, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400)
_CONTROLS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)


class ExecutionMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._models = ModelLabels()
        self._of_outcomes(registry)
        self._of_runners(registry)
        self._of_usage(registry)

    def _of_outcomes(self, registry: CollectorRegistry) -> None:
        self._finished = Counter(
            "ccx_executions_finished",
            "Executions that have ended, by how.",
            ["phase", "reason"],
            registry=registry,
        )
        self._startup = Histogram(
            "ccx_execution_startup_seconds",
            "From the creation of an execution until its process runs, and until its first output;"
            " in whole seconds. Time held by spec.suspend counts.",
            ["until"],
            buckets=_STARTS,
            registry=registry,
        )
        self._duration = Histogram(
            "ccx_execution_duration_seconds",
            "From the start of the process to the end of the execution, by how it ended.",
            ["phase"],
            buckets=_RUNS,
            registry=registry,
        )
        self._active = Histogram(
            "ccx_execution_active_seconds",
            "How long processes of ended executions ran, over all attempts, without pauses.",
            ["phase"],
            buckets=_RUNS,
            registry=registry,
        )
        self._retries = Counter(
            "ccx_execution_retries",
            "Attempts that were given up for another, by what had ended them.",
            ["reason"],
            registry=registry,
        )
        for phase, reasons in FINISHED.items():
            self._duration.labels(phase)
            self._active.labels(phase)
            for reason in reasons:
                self._finished.labels(phase, reason)
        for until in ("process", "output"):
            self._startup.labels(until)
        for reason in RETRIED:
            self._retries.labels(reason)

    def _of_runners(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str) -> Counter:
            return Counter(name, text, registry=registry)

        self._control = Histogram(
            "ccx_control_seconds",
            "In the runner, from the receipt of a control to its proof.",
            ["action"],
            buckets=_CONTROLS,
            registry=registry,
        )
        self._freezes = Counter(
            "ccx_freezes",
            "Freezes by whether every process was read back as stopped.",
            ["result"],
            registry=registry,
        )
        for action in CONTROLS:
            self._control.labels(action)
        for result in ("proven", "failed"):
            self._freezes.labels(result)
        self._paused = counter(
            "ccx_execution_paused_seconds", "Time for which executions were frozen."
        )
        self._saved = counter(
            "ccx_pause_saved_seconds",
            "Work that resumed attempts had behind them when they were resumed: what ending and"
            " starting them again would have done twice.",
        )
        self._turns = counter(
            "ccx_turn_restarts", "Turns that were restarted as a pause had cost them the API."
        )
        self._output = counter("ccx_runner_output_bytes", "What executions printed.")
        self._dropped = counter(
            "ccx_runner_output_dropped_bytes", "Output that has left the runners' spools."
        )

    def _of_usage(self, registry: CollectorRegistry) -> None:
        self._tokens = Counter(
            "ccx_execution_tokens",
            "Tokens by the execution's model, as Claude Code reports them.",
            ["model", "type"],
            registry=registry,
        )
        self._cost = Counter(
            "ccx_execution_cost_usd",
            "US dollars by the execution's model, as Claude Code computes them.",
            ["model"],
            registry=registry,
        )

    def moved(self, execution: ClaudeExecution, status: ExecutionStatus) -> None:
        """From execution.status to `status`, which has just been written."""
        before = execution.status
        self._count_start(execution, status)
        self._count_run(before, status)
        self._count_control(before, status)
        self._count_usage(before, status)
        if status.phase.is_terminal and not before.phase.is_terminal:
            self._count_end(status)

    def _count_start(self, execution: ClaudeExecution, status: ExecutionStatus) -> None:
        before, asked = execution.status, execution.metadata.creation_timestamp
        if before.start_time is None:
            self._observe_start("process", asked, status.start_time)
        if before.first_output_time is None:
            self._observe_start("output", asked, status.first_output_time)
        if status.retry_time is not None and status.retry_time != before.retry_time:
            ended = status.ended_attempts
            reason = ended.retried_for if ended is not None else None
            self._retries.labels(reason if reason in RETRIED else OTHER).inc()

    def _observe_start(self, until: str, asked: datetime | None, at: datetime | None) -> None:
        if asked is not None and at is not None:
            self._startup.labels(until).observe(max(0.0, (at - asked).total_seconds()))

    def _count_run(self, before: ExecutionStatus, status: ExecutionStatus) -> None:
        self._paused.inc(_grown(before.paused_seconds, status.paused_seconds))
        if before.phase is Phase.PAUSED and status.phase is Phase.RUNNING:
            ended = status.ended_attempts
            earlier = ended.active_seconds if ended is not None else 0
            self._saved.inc(_grown(earlier, status.active_seconds))
        if (session := status.session) is not None:
            known_restarts = before.session.restarts if before.session is not None else 0
            self._turns.inc(_grown(known_restarts, session.restarts))
        if (told := status.output) is not None:
            known = before.output
            if known is None or known.bytes > told.bytes:  # of an attempt before
                known = OutputStatus()
            self._output.inc(_grown(known.bytes, told.bytes))
            self._dropped.inc(_grown(known.dropped_bytes, told.dropped_bytes))

    def _count_control(self, before: ExecutionStatus, status: ExecutionStatus) -> None:
        control = status.control
        if control is None or control == before.control or control.last_action not in CONTROLS:
            return
        self._control.labels(control.last_action).observe(control.latency_millis / 1000)
        if control.last_action == "pause":
            self._freezes.labels("proven" if control.proven else "failed").inc()

    def _count_usage(self, before: ExecutionStatus, status: ExecutionStatus) -> None:
        """A model has its series, at 0, once it is known: it has mostly not used anything then."""
        if status.session is None and status.usage == before.usage:
            return
        model = self._models.of(status.session.model if status.session is not None else None)
        known = before.usage or UsageStatus()
        used = status.usage or known
        for kind, field in TOKENS.items():
            grown = _grown(getattr(known, field), getattr(used, field))
            self._tokens.labels(model, kind).inc(grown)
        cost = amount(used.cost_usd or 0) - amount(known.cost_usd or 0)
        self._cost.labels(model).inc(max(0.0, float(cost)))

    def _count_end(self, status: ExecutionStatus) -> None:
        reasons = FINISHED[status.phase]
        reason = status.reason if status.reason in reasons else OTHER
        self._finished.labels(status.phase, reason).inc()
        self._active.labels(status.phase).observe(status.active_seconds or 0)
        if status.start_time is not None and status.completion_time is not None:
            seconds = (status.completion_time - status.start_time).total_seconds()
            self._duration.labels(status.phase).observe(max(0.0, seconds))


def _grown(before: int | None, now: int | None) -> int:
    return max(0, (now or 0) - (before or 0))
