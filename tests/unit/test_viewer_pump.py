import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ccx_gateway.at_once import Sent
from ccx_gateway.output_window import Gap, OutputWindow, Slice
from ccx_gateway.side_by_side import send_side_by_side
from ccx_gateway.stream_metrics import StreamMetrics
from ccx_gateway.viewer import Viewer
from ccx_gateway.viewer_pump import ViewerPump

OUTPUT = b"".join(b"line %d\n" % n for n in range(1000))


async def read_spool(cursor: int, max_bytes: int) -> Slice:
    return Slice(cursor, "stdout", OUTPUT[cursor : cursor + max_bytes])


async def test_a_stalled_viewer_slows_nobody_and_later_gets_every_byte() -> None:
    window = OutputWindow(capacity=400)
    got: dict[str, bytes] = {"fast": b"", "stalled": b""}
    reads_again = asyncio.Event()

    async def send_fast(item: Slice | Gap) -> None:
        assert isinstance(item, Slice)
        got["fast"] += item.data

    async def send_stalled(item: Slice | Gap) -> None:
        await reads_again.wait()
        assert isinstance(item, Slice)
        got["stalled"] += item.data

    pumps = [
        ViewerPump(window, Viewer(credit=None), read_spool=read_spool, send=send)
        for send in (send_fast, send_stalled)
    ]
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        fast, _ = [tasks.create_task(pump.run()) for pump in pumps]
        for start in range(0, len(OUTPUT), 100):
            window.append("stdout", OUTPUT[start : start + 100])
            for pump in pumps:
                pump.wake()
            await asyncio.sleep(0)
        window.append_end()
        pumps[0].wake()
        await fast
        assert got == {"fast": OUTPUT, "stalled": b""}
        reads_again.set()
    assert got["stalled"] == OUTPUT


class Ready:
    """A client that takes what it is sent at once, or not."""

    def __init__(self, sent: Sent = Sent.TAKEN) -> None:
        self.sent = sent
        self.got = self.waited_for = b""
        self.takes = asyncio.Event()

    async def send(self, item: Slice | Gap) -> None:
        assert isinstance(item, Slice)
        assert not self.got.endswith(item.data), "once"
        self.waited_for += item.data
        self.got += item.data

    def send_at_once(self, found: Slice) -> Sent:
        if self.sent is not Sent.NOT:
            self.got += found.data
        return self.sent

    async def taken(self) -> None:
        await self.takes.wait()


@asynccontextmanager
async def caught_up(client: Ready) -> AsyncIterator[tuple[OutputWindow, ViewerPump]]:
    window = OutputWindow()
    pump = ViewerPump(
        *(window, Viewer(credit=None)), read_spool=read_spool, send=client.send, at_once=client
    )
    running = asyncio.create_task(pump.run())
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        yield window, pump
        window.append_end()
        pump.wake()
        await running
    assert pump.viewer.cursor == len(client.got)


def grown(window: OutputWindow, pump: ViewerPump, line: bytes) -> None:
    window.append("stdout", line)
    send_side_by_side([pump], StreamMetrics())


async def test_who_has_all_is_sent_what_comes_next_without_a_turn_of_the_loop() -> None:
    client = Ready()
    async with caught_up(client) as (window, pump):
        grown(window, pump, b"one\n")
        grown(window, pump, b"two\n")
        assert client.got == b"one\ntwo\n"
    assert client.waited_for == b"", "nothing comes twice"


async def test_who_cannot_be_sent_it_at_once_is_waited_for() -> None:
    client = Ready(Sent.NOT)
    async with caught_up(client) as (window, pump):
        grown(window, pump, b"one\n")
        assert client.got == b""
    assert client.waited_for == b"one\n"


async def test_nothing_follows_what_has_not_been_taken_yet() -> None:
    client = Ready(Sent.HELD)
    async with caught_up(client) as (window, pump):
        grown(window, pump, b"one\n")
        client.sent = Sent.TAKEN
        grown(window, pump, b"two\n")
        for _ in range(10):  # turns in which it could go on, if it did not wait
            await asyncio.sleep(0)
        assert client.got == b"one\n"
        client.takes.set()
    assert client.got == b"one\ntwo\n"


async def test_credit_holds_for_what_is_sent_at_once_too() -> None:
    client = Ready()
    async with caught_up(client) as (window, pump):
        pump.viewer.credit = 4
        grown(window, pump, b"one\n")
        grown(window, pump, b"two\n")
        assert client.got == b"one\n"
        pump.grant(4)
    assert client.got == b"one\ntwo\n"


async def test_a_late_grant_is_served_although_the_process_has_fallen_silent() -> None:
    window, got = OutputWindow(), asyncio.Queue[Slice | Gap]()
    window.append("stdout", b"one\ntwo\n")
    pump = ViewerPump(window, Viewer(), read_spool=read_spool, send=got.put)
    running = asyncio.create_task(pump.run())
    async with asyncio.timeout(60):
        pump.grant(4)
        assert await got.get() == Slice(0, "stdout", b"one\n")
        pump.grant(4)
        assert await got.get() == Slice(4, "stdout", b"two\n")
    running.cancel()
    await asyncio.wait([running])
