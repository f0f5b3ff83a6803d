"""What Prometheus is told. No label holds a name: a thousand sessions are not a thousand series."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Final, Literal, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from ccx_gateway.stream_metrics import StreamMetrics

AuthResult = Literal["allowed", "denied", "unauthenticated", "unavailable"]
ConnectionResult = Literal["served", "full"]

METHODS: Final = ("execute", "control", "configure", "attach", "detach", "credit", "status", "list")
UNKNOWN: Final = "unknown"
"""Of a call by a name that is none of these."""

ACTIONS: Final = ("pause", "resume", "cancel")

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    def __init__(self, *, sessions: Callable[[], float], links: Callable[[], float]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # half of all series, of no use
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._calls = Counter(
            "ccx_gateway_calls",
            "Calls by method and by the code of the answer; 0 is a success.",
            ["method", "code"],
            registry=self.registry,
        )
        self._call_seconds = Histogram(
            "ccx_gateway_call_seconds",
            "From a call to its answer, by method; an execute ends when its process has started.",
            ["method"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._control_seconds = Histogram(
            "ccx_gateway_control_seconds",
            "From a control by a client until it was proven, by action.",
            ["action"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._connections = Counter(
            "ccx_gateway_connections",
            "Sockets that were let in, by whether there was room for one more.",
            ["result"],
            registry=self.registry,
        )
        for method in (*METHODS, UNKNOWN):
            self._calls.labels(method, "0")
            self._call_seconds.labels(method)
        for action in ACTIONS:
            self._control_seconds.labels(action)
        for outcome in get_args(ConnectionResult):
            self._connections.labels(outcome)
        self.stream = StreamMetrics()
        self.registry.register(self.stream)
        self._requests = Counter(
            "ccx_api_requests",
            "Requests to the API server by verb and HTTP status; 0 means no answer.",
            ["verb", "code"],
            registry=self.registry,
        )
        self._auth = Counter(
            "ccx_gateway_auth",
            "Handshakes and calls by whether they were let through, as asked or as remembered.",
            ["result"],
            registry=self.registry,
        )
        for result in get_args(AuthResult):
            self._auth.labels(result)
        self._gauge("ccx_gateway_sessions", "Sockets that are open.", sessions)
        self._gauge("ccx_links_open", "Runner links held open.", links)
        build = Gauge(
            "ccx_build_info", "Always 1.", ["component", "version"], registry=self.registry
        )
        build.labels("gateway", version("cc-executor")).set(1)

    def _gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(name, text, registry=self.registry).set_function(value)

    def called(self, method: str, code: int, seconds: float) -> None:
        self._calls.labels(method, str(code)).inc()
        self._call_seconds.labels(method).observe(seconds)

    @contextmanager
    def control(self, action: str) -> Iterator[None]:
        """What fails took no time that says anything."""
        began = time.monotonic()
        yield
        self._control_seconds.labels(action).observe(time.monotonic() - began)

    def connected(self, result: ConnectionResult) -> None:
        self._connections.labels(result).inc()

    def authorized(self, result: AuthResult) -> None:
        self._auth.labels(result).inc()

    def requested(self, verb: str, code: int) -> None:
        self._requests.labels(verb, str(code)).inc()

    def page(self) -> bytes:
        return generate_latest(self.registry)
