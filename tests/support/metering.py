"""Metrics of operator and gateway as they begin, and their pages."""

from prometheus_client import generate_latest

from ccx_gateway import metrics as gateway_metrics
from ccx_operator.census import Census
from ccx_operator.metrics import Metrics
from ccx_operator.work_queue import WorkQueue


def operator_metrics(census: Census | None = None, **queues: WorkQueue) -> Metrics:
    return Metrics(
        census or Census(), queues=queues or {"executions": WorkQueue()}, links_open=lambda: 2
    )


def operator_page(metrics: Metrics | None = None) -> str:
    return generate_latest((metrics or operator_metrics()).registry).decode()


def gateway_page() -> str:
    return gateway_metrics.Metrics(sessions=lambda: 0, links=lambda: 0).page().decode()


def sample(page: str, series: str) -> float:
    """The value of one series; KeyError if there is none."""
    lines = (line.rpartition(" ") for line in page.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}[series]
