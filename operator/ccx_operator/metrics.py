"""What Prometheus is told. No label holds a name: a thousand executions are not a thousand series.

The exporter's thread reads counters and, at a scrape, totals that others keep: it looks through
nothing, so that a scrape costs the same beside ten thousand executions.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from ccx_api.status import ExecutionStatus, Phase
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.census import UNFINISHED, Census
from ccx_operator.execution_metrics import ExecutionMetrics
from ccx_operator.work_queue import Work

ACTIONS: Final = (
    "AddFinalizer",
    "RemoveFinalizer",
    "RecordUsage",
    "CreatePod",
    "DeletePod",
    "ConfirmPod",
    "SetFirstWish",
    "Look",
    "Deliver",
    "WriteUsage",
    "DeleteExecution",
    "PostEvent",
    "LeaveOutEvent",
)
_RECONCILES: Final = (
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10,
    30,
    60,
)


class Metrics:
    def __init__(
        self,
        census: Census,
        *,
        queues: Mapping[str, Work],
        links_open: Callable[[], float],
        leads: Callable[[], float] = lambda: 1,
        leader_transitions: Callable[[], float] = lambda: 0,
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # half of all series, of no use
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._executions = ExecutionMetrics(self.registry)
        self._count_work()
        self._recorded = Counter(
            "ccx_usage_recorded", "Executions whose usage was recorded.", registry=self.registry
        )
        self._lost = Counter(
            "ccx_usage_lost",
            "Executions whose usage could not be recorded.",
            registry=self.registry,
        )
        self._gauge(
            "ccx_executions_longest_wait_seconds",
            "How long the execution has waited that waits longest to start; 0 if none does.",
            census.waiting.seconds,
        )
        self._gauge(
            "ccx_executions_longest_pause_seconds",
            "How long the execution has been paused that is paused longest; 0 if none is.",
            census.paused.seconds,
        )
        self._gauge("ccx_links_open", "Runner links held open.", links_open)
        self._gauge("ccx_leader", "1 while this process acts, 0 while it stands by.", leads)
        told = "How often the Lease has changed hands, as last seen."
        self._gauge("ccx_leader_transitions", told, leader_transitions)
        build = Gauge(
            "ccx_build_info", "Always 1.", ["component", "version"], registry=self.registry
        )
        build.labels("operator", version("cc-executor")).set(1)
        self.registry.register(_Executions(census))
        self.registry.register(_Queues(queues))

    def _count_work(self) -> None:
        self._reconciles = Counter(
            "ccx_reconcile", "Reconciles by result.", ["result"], registry=self.registry
        )
        self._seconds = Histogram(
            "ccx_reconcile_duration_seconds",
            "How long a reconcile took.",
            buckets=_RECONCILES,
            registry=self.registry,
        )
        self._actions = Counter(
            "ccx_actions", "Actions carried out, by kind.", ["action"], registry=self.registry
        )
        self._requests = Counter(
            "ccx_api_requests",
            "Requests to the API server by verb and HTTP status; 0 means no answer.",
            ["verb", "code"],
            registry=self.registry,
        )
        for result in ("ok", "error"):
            self._reconciles.labels(result)
        for action in ACTIONS:
            self._actions.labels(action)

    def _gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(name, text, registry=self.registry).set_function(value)

    def moved(self, execution: ClaudeExecution, status: ExecutionStatus) -> None:
        self._executions.moved(execution, status)

    def reconciled(self, result: str, seconds: float) -> None:
        self._reconciles.labels(result).inc()
        self._seconds.observe(seconds)

    def acted(self, action: str) -> None:
        self._actions.labels(action).inc()

    def usage_recorded(self, executions: int) -> None:
        self._recorded.inc(executions)

    def usage_lost(self, executions: int) -> None:
        self._lost.inc(executions)

    def requested(self, verb: str, code: int) -> None:
        self._requests.labels(verb, str(code)).inc()

    @contextmanager
    def served(self, host: str, port: int) -> Iterator[int]:
        """GET /metrics on a thread of its own; yield the port."""
        server, thread = start_http_server(port, host, registry=self.registry)
        try:
            yield server.server_port
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Executions(Collector):
    def __init__(self, census: Census) -> None:
        self._census = census

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily("ccx_executions", "Executions by phase.", labels=["phase"])
        phases = self._census.phases()
        for phase in Phase:
            family.add_metric([phase.value], phases[phase])
        yield family
        family = GaugeMetricFamily(
            "ccx_executions_unfinished",
            "Executions that have not ended, by phase and reason.",
            labels=["phase", "reason"],
        )
        found = self._census.unfinished()
        for phase, reasons in UNFINISHED.items():
            for reason in reasons:
                family.add_metric([phase.value, reason], found[phase, reason])
        yield family


class _Queues(Collector):
    def __init__(self, queues: Mapping[str, Work]) -> None:
        self._queues = queues

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        depth = GaugeMetricFamily(
            "ccx_work_queue_depth", "What waits for a worker now, by queue.", labels=["queue"]
        )
        adds = CounterMetricFamily(
            "ccx_work_queue_adds", "What was put into the queue.", labels=["queue"]
        )
        retries = CounterMetricFamily(
            "ccx_work_queue_retries", "What failed and was put off, by queue.", labels=["queue"]
        )
        for name, work in self._queues.items():
            depth.add_metric([name], work.depth)
            adds.add_metric([name], work.adds)
            retries.add_metric([name], work.retries)
        yield from (depth, adds, retries)
