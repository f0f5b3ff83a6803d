import asyncio

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from ccx_gateway.outbox import Message, Outbox
from ccx_gateway.output_window import Gap, Slice
from ccx_gateway.stream_metrics import Place, StreamMetrics, place_of
from ccx_kube.link import End, Output
from ccx_kube.link import Gap as Dropped
from ccx_runner.frames import Stream
from support.wire import AWire


def page(metrics: StreamMetrics) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(metrics)
    lines = generate_latest(registry).decode().splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


def test_what_comes_and_what_is_told_are_counted_apart() -> None:
    metrics = StreamMetrics()
    for item in (Output(0, Stream.STDOUT, b"a\nb\n"), Dropped(4, 9), End(9)):
        metrics.came(item)
    for told in (Slice(0, "stdout", b"a\n"), Gap(2, 9), Gap(9, 10)):
        metrics.sent(told)
    found = page(metrics)
    assert found["ccx_gateway_received_bytes_total"] == 4
    assert found["ccx_gateway_received_lines_total"] == 2
    assert found["ccx_gateway_received_gaps_total"] == 1
    assert found["ccx_gateway_dropped_bytes_total"] == 5
    assert found["ccx_gateway_output_bytes_total"] == 2
    assert found["ccx_gateway_output_lines_total"] == 1
    assert found["ccx_gateway_output_gaps_total"] == 2
    assert found["ccx_gateway_gap_bytes_total"] == 8


def test_what_is_told_to_many_is_counted_for_each_of_them() -> None:
    metrics = StreamMetrics()
    metrics.sent(Slice(0, "stdout", b"a\nb\n"), 3)
    found = page(metrics)
    told = found["ccx_gateway_output_bytes_total"], found["ccx_gateway_output_lines_total"]
    assert told == (12, 6)


def test_what_was_taken_when_it_was_sent_took_no_time() -> None:
    metrics = StreamMetrics()
    metrics.taken_at_once, bucket = 2, 'ccx_gateway_send_seconds_bucket{le="%s"}'
    metrics.took(0.7)
    found = page(metrics)
    buckets = [found[bucket % bound] for bound in ("0.0005", "0.5", "1.0", "+Inf")]
    assert buckets == [2, 2, 3, 3]
    count, total = found["ccx_gateway_send_seconds_count"], found["ccx_gateway_send_seconds_sum"]
    assert (count, total) == (3, 0.7)


def test_viewers_are_told_apart_by_what_it_takes_to_serve_them() -> None:
    metrics = StreamMetrics()
    cursors = (100, 100, 70, 60, 10)
    metrics.lags = lambda: (place_of(cursor, oldest=50, end=100) for cursor in cursors)
    metrics.windows = lambda: (50, 7)
    found = page(metrics)
    places: tuple[Place, ...] = ("head", "window", "spool")
    viewers = [found[f'ccx_gateway_viewers{{place="{place}"}}'] for place in places]
    lags = [found[f'ccx_gateway_viewer_lag_bytes{{place="{place}"}}'] for place in places]
    assert (viewers, lags) == ([2, 2, 1], [0, 40, 90])
    assert (found["ccx_gateway_windows"], found["ccx_gateway_window_bytes"]) == (2, 57)


def test_the_labels_are_there_before_anything_happens_and_no_other_comes() -> None:
    metrics = StreamMetrics()
    before = page(metrics).keys()
    metrics.resumed("link")
    metrics.cut("slow")
    metrics.took(2.0)
    found = page(metrics)
    assert found.keys() == before
    assert found['ccx_gateway_resumes_total{what="link"}'] == 1
    assert found['ccx_gateway_clients_cut_total{why="slow"}'] == 1
    assert found['ccx_gateway_clients_cut_total{why="silent"}'] == 0


@pytest.mark.parametrize(
    ("seconds", "bucket"), [(0.0, "0.0005"), (0.001, "0.001"), (4.0, "5.0"), (301.0, "+Inf")]
)
def test_a_send_is_in_the_buckets_that_it_fits(seconds: float, bucket: str) -> None:
    metrics = StreamMetrics()
    metrics.took(seconds)
    found = page(metrics)
    assert found[f'ccx_gateway_send_seconds_bucket{{le="{bucket}"}}'] == 1
    assert found['ccx_gateway_send_seconds_bucket{le="0.0005"}'] == (bucket == "0.0005")
    assert found["ccx_gateway_send_seconds_count"] == 1
    assert found["ccx_gateway_send_seconds_sum"] == seconds


async def test_how_long_a_client_has_not_taken_a_message_is_known_while_it_does_not() -> None:
    now, metrics, takes = [100.0], StreamMetrics(), asyncio.Event()

    async def send(_: Message) -> None:
        await takes.wait()

    outbox = Outbox(AWire(send), metrics, clock=lambda: now[0])
    assert outbox.waited == 0
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(outbox.send(b"first"))
        tasks.create_task(outbox.send(b"second"))
        await asyncio.sleep(0)
        now[0] += 7
        assert (outbox.waited, metrics.queued) == (7, 2)
        takes.set()
    assert (outbox.waited, metrics.queued) == (0, 0)
    assert page(metrics)["ccx_gateway_send_seconds_sum"] == 7


async def test_a_client_that_is_gone_leaves_no_message_in_the_queue() -> None:
    metrics = StreamMetrics()

    async def send(_: Message) -> None:
        raise ConnectionResetError

    outbox = Outbox(AWire(send), metrics)
    with pytest.raises(ConnectionError):
        await outbox.send(b"x")
    assert (outbox.waited, metrics.queued) == (0, 0)
    assert page(metrics)["ccx_gateway_send_seconds_count"] == 0
