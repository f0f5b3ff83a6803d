"""What Prometheus is told. No label holds a name: a thousand sessions are not a thousand series."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from ccx_gateway.stream_metrics import StreamMetrics

AuthResult = Literal["allowed", "denied", "unauthenticated", "unavailable"]


class Metrics:
    def __init__(self, *, sessions: Callable[[], float], links: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        self._calls = Counter(
            "ccx_gateway_calls",
            "Calls by method and by the code of the answer; 0 is a success.",
            ["method", "code"],
            registry=self.registry,
        )
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
        build = Gauge("ccx_build_info", "Always 1.", ["version"], registry=self.registry)
        build.labels(version("cc-executor")).set(1)

    def _gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(name, text, registry=self.registry).set_function(value)

    def called(self, method: str, code: int) -> None:
        self._calls.labels(method, str(code)).inc()

    def authorized(self, result: AuthResult) -> None:
        self._auth.labels(result).inc()

    def requested(self, verb: str, code: int) -> None:
        self._requests.labels(verb, str(code)).inc()

    def page(self) -> bytes:
        return generate_latest(self.registry)
