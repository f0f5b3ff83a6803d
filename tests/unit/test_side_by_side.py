import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ccx_gateway.at_once import Sent
from ccx_gateway.output_window import Gap, OutputWindow, Slice
from ccx_gateway.side_by_side import send_side_by_side
from ccx_gateway.stream_metrics import StreamMetrics
from ccx_gateway.viewer import Viewer
from ccx_gateway.viewer_pump import ViewerPump

LINE = b"one line\n"


class Client:
    def __init__(self, sent: Sent = Sent.TAKEN) -> None:
        self.sent = sent
        self.at_once: list[Slice] = []
        self.waited_for: list[Slice] = []

    async def send(self, item: Slice | Gap) -> None:
        assert isinstance(item, Slice)
        self.waited_for.append(item)

    def send_at_once(self, found: Slice) -> Sent:
        if self.sent is not Sent.NOT:
            self.at_once.append(found)
        return self.sent

    async def taken(self) -> None:
        pass


@asynccontextmanager
async def all_caught_up(*clients: Client) -> AsyncIterator[tuple[OutputWindow, list[ViewerPump]]]:
    window = OutputWindow()

    async def read_spool(cursor: int, max_bytes: int) -> Slice:
        raise AssertionError(cursor, max_bytes)

    pumps = [
        ViewerPump(
            *(window, Viewer(credit=None)), read_spool=read_spool, send=client.send, at_once=client
        )
        for client in clients
    ]
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        for pump in pumps:
            tasks.create_task(pump.run())
        await asyncio.sleep(0)
        yield window, pumps
        window.append_end()
        for pump in pumps:
            pump.wake()


async def test_all_who_have_everything_are_sent_the_same_slice_and_each_is_counted() -> None:
    clients, metrics = [Client() for _ in range(3)], StreamMetrics()
    async with all_caught_up(*clients) as (window, pumps):
        window.append("stdout", LINE)
        send_side_by_side(pumps, metrics)
        first, *others = (client.at_once for client in clients)
        assert first == [Slice(0, "stdout", LINE)]
        assert all(sent[0] is first[0] for sent in others)
        assert (metrics.told.bytes, metrics.told.lines) == (3 * len(LINE), 3)
    assert [client.waited_for for client in clients] == [[], [], []], "nothing comes twice"


async def test_one_that_has_to_wait_its_turn_is_counted_when_it_is_sent_and_holds_up_nobody() -> (
    None
):
    busy, free, metrics = Client(Sent.NOT), Client(), StreamMetrics()
    async with all_caught_up(busy, free) as (window, pumps):
        window.append("stdout", LINE)
        send_side_by_side(pumps, metrics)
        assert (busy.at_once, len(free.at_once)) == ([], 1)
        assert metrics.told.bytes == len(LINE)
    assert busy.waited_for == [Slice(0, "stdout", LINE)]


async def test_one_that_is_elsewhere_is_sent_what_comes_next_for_it() -> None:
    here, behind, metrics = Client(), Client(), StreamMetrics()
    async with all_caught_up(here, behind) as (window, pumps):
        window.append("stdout", LINE)
        send_side_by_side(pumps[:1], metrics)
        window.append("stdout", b"next\n")
        send_side_by_side(pumps, metrics)
        assert here.at_once[-1] == Slice(len(LINE), "stdout", b"next\n")
        assert behind.at_once == [Slice(0, "stdout", LINE + b"next\n")]
        assert (metrics.told.bytes, metrics.told.lines) == (2 * len(LINE + b"next\n"), 4)
