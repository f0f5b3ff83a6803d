"""What has just come, to all who have everything before it: the short way, for many at a time.

window has grown -> send_side_by_side() -> AtOnce.send_at_once()      who has to wait is woken

What is the same for all of them is done once; what is done for each is what a hundred clients cost.
"""

from collections.abc import Iterable

from ccx_gateway.at_once import Sent
from ccx_gateway.output_window import Slice
from ccx_gateway.stream_metrics import StreamMetrics
from ccx_gateway.viewer_pump import ViewerPump


def send_side_by_side(pumps: Iterable[ViewerPump], metrics: StreamMetrics) -> None:
    """`pumps` are all of one window."""
    found: Slice | None = None
    count = 0
    for pump in pumps:
        client = pump.idle
        looked = None if client is None else pump.look()
        if client is None or not isinstance(looked, Slice):
            pump.wake()
            continue
        sent = client.send_at_once(looked)
        if sent is Sent.NOT:
            pump.wake()
            continue
        pump.was_sent(looked, sent)
        if looked is not found:
            _count(metrics, found, count)
            found, count = looked, 0
        count += 1
    _count(metrics, found, count)


def _count(metrics: StreamMetrics, found: Slice | None, clients: int) -> None:
    if found is not None:
        metrics.sent(found, clients)
