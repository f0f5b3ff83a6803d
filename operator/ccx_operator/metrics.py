"""What Prometheus is told. No label holds a name: a thousand executions are not a thousand series.

The exporter's thread reads counters and, at a scrape, the store's phases.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    start_http_server,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ccx_api.status import Phase
from ccx_operator.store import Store


class Metrics:
    def __init__(
        self,
        store: Store,
        *,
        queue_depth: Callable[[], float],
        links_open: Callable[[], float],
        leads: Callable[[], float] = lambda: 1,
        leader_transitions: Callable[[], float] = lambda: 0,
    ) -> None:
        self.registry = CollectorRegistry()
        self._reconciles = Counter(
            "ccx_reconcile", "Reconciles by result.", ["result"], registry=self.registry
        )
        self._seconds = Histogram(
            "ccx_reconcile_duration_seconds", "How long a reconcile took.", registry=self.registry
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
        self._recorded = Counter(
            "ccx_usage_recorded", "Executions whose usage was recorded.", registry=self.registry
        )
        self._lost = Counter(
            "ccx_usage_lost",
            "Executions whose usage could not be recorded.",
            registry=self.registry,
        )
        self._gauge("ccx_work_queue_depth", "Executions that wait.", queue_depth)
        self._gauge("ccx_links_open", "Runner links held open.", links_open)
        self._gauge("ccx_leader", "1 while this process acts, 0 while it stands by.", leads)
        told = "How often the Lease has changed hands, as last seen."
        self._gauge("ccx_leader_transitions", told, leader_transitions)
        build = Gauge("ccx_build_info", "Always 1.", ["version"], registry=self.registry)
        build.labels(version("cc-executor")).set(1)
        self.registry.register(_Executions(store))

    def _gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(name, text, registry=self.registry).set_function(value)

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
    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily("ccx_executions", "Executions by phase.", labels=["phase"])
        phases = self._store.phases()
        for phase in Phase:
            family.add_metric([phase.value], phases[phase])
        yield family
