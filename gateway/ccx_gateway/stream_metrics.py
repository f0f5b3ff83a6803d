"""What Prometheus is told of output on its way: counted per frame, put together at a scrape.

link -> came() -> window -> sent(), took() -> client      lags(): where the viewers are, when asked

Plain numbers, for they change with every frame; no label but those of the enums below.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Final, Literal, get_args

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from ccx_gateway.output_text import lines_in
from ccx_gateway.output_window import Gap, Slice
from ccx_gateway.runner_output import Merged
from ccx_kube.link import Gap as Dropped
from ccx_kube.link import Item, Output

Resumed = Literal["link", "client"]
"""A runner's link that broke and was opened again; a client that came back at its offset."""

Cut = Literal["slow", "silent"]
Place = Literal["head", "window", "spool"]
"""Where a viewer is: it has all that there is, or the window has the rest, or only the runner."""

SEND_SECONDS: Final = (0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0)


class Flow:
    """Of one direction."""

    def __init__(self) -> None:
        self.bytes = self.lines = self.gaps = self.gap_bytes = 0
        self._last, self._lines_in_last = b"", 0

    def data(self, data: bytes, times: int = 1) -> None:
        if data is not self._last:  # many are sent the same
            self._last, self._lines_in_last = data, lines_in(data)
        self.bytes += times * len(data)
        self.lines += times * self._lines_in_last

    def gap(self, size: int) -> None:
        self.gaps += 1
        self.gap_bytes += size


class StreamMetrics(Collector):
    def __init__(self) -> None:
        self.lags: Callable[[], Iterable[tuple[Place, int]]] = tuple
        """Of every viewer: how many bytes it is behind what has come."""

        self.windows: Callable[[], Iterable[int]] = tuple
        """Bytes in each."""

        self.queued = 0
        """Messages to clients that are being sent, or wait for their turn."""

        self.taken_at_once = 0
        """Messages that clients had taken when they were sent."""

        self.received, self.told = Flow(), Flow()
        self.resumes: dict[Resumed, int] = dict.fromkeys(get_args(Resumed), 0)
        self.cuts: dict[Cut, int] = dict.fromkeys(get_args(Cut), 0)
        self._sends = [0] * (len(SEND_SECONDS) + 1)
        self._send_seconds = 0.0

    def came(self, item: Item | Merged) -> None:
        """What is left of a runner is not received from it."""
        match item:
            case Output():
                self.received.data(item.data)
            case Dropped():
                self.received.gap(item.end - item.start)

    def sent(self, found: Slice | Gap, clients: int = 1) -> None:
        if isinstance(found, Slice):
            self.told.data(found.data, clients)
        else:
            self.told.gap(found.end - found.offset)

    def took(self, seconds: float) -> None:
        """A client has taken a message, or enough of those before it."""
        self._sends[bisect_left(SEND_SECONDS, seconds)] += 1
        self._send_seconds += seconds

    def resumed(self, what: Resumed) -> None:
        self.resumes[what] += 1

    def cut(self, why: Cut) -> None:
        self.cuts[why] += 1

    def collect(self) -> Iterable[Metric]:
        yield from _flow("ccx_gateway_received", "received from runners", self.received)
        text = "Bytes in gaps received from runners."
        yield CounterMetricFamily("ccx_gateway_dropped_bytes", text, self.received.gap_bytes)
        yield from _flow("ccx_gateway_output", "sent to clients", self.told)
        text = "Bytes in gaps sent to clients."
        yield CounterMetricFamily("ccx_gateway_gap_bytes", text, self.told.gap_bytes)
        text = "Streams that went on at their offset: links to runners, and clients that came back."
        yield _counters("ccx_gateway_resumes", text, "what", self.resumes)
        text = "Clients whose socket was closed: they did not read, or just gave no sign of life."
        yield _counters("ccx_gateway_clients_cut", text, "why", self.cuts)
        yield from self._viewers()
        sizes = list(self.windows())
        text = "Recent output that is held for all viewers of an execution together."
        yield GaugeMetricFamily("ccx_gateway_window_bytes", text, sum(sizes))
        yield GaugeMetricFamily("ccx_gateway_windows", "Executions that are watched.", len(sizes))
        text = "Messages to clients that are being sent, or wait for their turn."
        yield GaugeMetricFamily("ccx_gateway_queued_messages", text, self.queued)
        yield self._latency()

    def _viewers(self) -> Iterable[Metric]:
        count: dict[Place, int] = dict.fromkeys(get_args(Place), 0)
        most: dict[Place, int] = dict.fromkeys(get_args(Place), 0)
        for place, lag in self.lags():
            count[place] += 1
            most[place] = max(most[place], lag)
        text = "Clients at an output, by what it takes to serve them."
        yield _gauges("ccx_gateway_viewers", text, "place", count)
        text = "How far the last of them is behind what has come."
        yield _gauges("ccx_gateway_viewer_lag_bytes", text, "place", most)

    def _latency(self) -> Metric:
        buckets, total = list[tuple[str, float]](), self.taken_at_once
        for bound, count in zip((*map(str, SEND_SECONDS), "+Inf"), self._sends, strict=True):
            total += count
            buckets.append((bound, total))
        text = "Until a client had taken a message, or enough of those before it."
        return HistogramMetricFamily(
            "ccx_gateway_send_seconds", text, buckets=buckets, sum_value=self._send_seconds
        )


def place_of(cursor: int, *, oldest: int, end: int) -> tuple[Place, int]:
    if cursor < oldest:
        return "spool", end - cursor
    return ("window", end - cursor) if cursor < end else ("head", 0)


def _flow(name: str, text: str, flow: Flow) -> Iterable[Metric]:
    yield CounterMetricFamily(f"{name}_bytes", f"Bytes of output {text}.", flow.bytes)
    lines = f"Lines {text}; where they are short, reckoned from a part of each frame."
    yield CounterMetricFamily(f"{name}_lines", lines, flow.lines)
    gaps = f"Gaps {text}: output that nobody has any more."
    yield CounterMetricFamily(f"{name}_gaps", gaps, flow.gaps)


def _counters(
    name: str, text: str, label: str, counts: dict[Resumed, int] | dict[Cut, int]
) -> Metric:
    family = CounterMetricFamily(name, text, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family


def _gauges(name: str, text: str, label: str, values: dict[Place, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family
