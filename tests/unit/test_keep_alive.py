import asyncio

from ccx_gateway.keep_alive import KeepAlive


class Client:
    def __init__(self) -> None:
        self.got = asyncio.Queue[bytes | None]()
        self.reads = asyncio.Event()
        self.reads.set()
        self.is_gone = False

    async def ping(self) -> None:
        await self._take(None)

    async def pong(self, data: bytes) -> None:
        await self._take(data)

    async def _take(self, data: bytes | None) -> None:
        await self.reads.wait()
        if self.is_gone:
            raise ConnectionResetError
        self.got.put_nowait(data)

    async def next(self) -> bytes | None:
        async with asyncio.timeout(60):
            return await self.got.get()


async def test_a_silent_client_is_pinged_again_and_again() -> None:
    client = Client()
    alive = KeepAlive(client.ping, client.pong, seconds=0.01)
    assert [await client.next() for _ in range(3)] == [None] * 3
    alive.end()


async def test_a_ping_is_answered_at_once_with_what_it_said() -> None:
    client = Client()
    alive = KeepAlive(client.ping, client.pong, seconds=3600)
    alive.pinged(b"one")
    assert await client.next() == b"one"
    alive.pinged(b"two")
    assert await client.next() == b"two"
    alive.end()


async def test_one_that_does_not_read_costs_one_task_and_is_told_the_newest() -> None:
    client = Client()
    client.reads.clear()
    alive = KeepAlive(client.ping, client.pong, seconds=3600)
    for number in range(100):
        alive.pinged(b"%d" % number)
        await asyncio.sleep(0)
    (task,) = alive.end()
    client.reads.set()
    assert [await client.next(), await client.next()] == [b"0", b"99"]
    async with asyncio.timeout(60):
        await task
    assert client.got.empty()
    alive.end()


async def test_who_is_gone_is_sent_nothing_more() -> None:
    client = Client()
    client.is_gone = True
    alive = KeepAlive(client.ping, client.pong, seconds=3600)
    alive.pinged(b"one")
    (task,) = alive.end()
    async with asyncio.timeout(60):
        await task
    assert client.got.empty()
