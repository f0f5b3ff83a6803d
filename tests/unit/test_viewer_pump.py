import asyncio

from ccx_gateway.output_window import Gap, OutputWindow, Slice
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
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
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


async def test_a_late_grant_is_served_although_the_process_has_fallen_silent() -> None:
    window, got = OutputWindow(), asyncio.Queue[Slice | Gap]()
    window.append("stdout", b"one\ntwo\n")
    pump = ViewerPump(window, Viewer(), read_spool=read_spool, send=got.put)
    running = asyncio.create_task(pump.run())
    async with asyncio.timeout(5):
        pump.grant(4)
        assert await got.get() == Slice(0, "stdout", b"one\n")
        pump.grant(4)
        assert await got.get() == Slice(4, "stdout", b"two\n")
    running.cancel()
    await asyncio.wait([running])
