"""Following the output over a link: every byte once, in order, or told as missing."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from ccx_kube.errors import LinkLost, LinkRefused
from ccx_kube.follow_window import WINDOW
from ccx_kube.link import End, Gap, Item, Output, RunnerLink
from ccx_kube.session import KubeSession
from ccx_runner.frames import (
    Credit,
    Lease,
    Read,
    Reply,
    Stream,
)
from support.api_server import ApiServer, ExecEnd
from support.links import a_link_program, a_runner
from support.played_runner import a_snapshot, an_output, open_link, plays


class TestFollowing:
    async def test_output_gap_and_end_come_in_order_and_the_end_is_confirmed(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        confirmed = asyncio.Queue[object]()

        async def run(end: ExecEnd) -> None:
            await end.send(a_snapshot())
            read = await end.request()
            assert isinstance(read, Read)
            assert read.offset == 3
            await end.send(Reply(read.id, offset=10))
            assert await end.request() == Credit(WINDOW)
            items = Gap(3, 10), an_output(10, b"a\n"), Output(12, Stream.STDERR, b"b\n"), End(14)
            await end.send(*items)
            confirmed.put_nowait(await end.frame())
            await end.frame()

        server.run = run
        async with await open_link(session) as link:
            got = [item async for item in link.follow(3)]
            assert got == [
                Gap(3, 10),
                an_output(10, b"a\n"),
                Output(12, Stream.STDERR, b"b\n"),
                End(14),
            ]
            assert await confirmed.get() == Lease()

    async def test_an_offset_that_is_refused_is_told_in_the_runners_words(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        server.run = plays(lambda r: (Reply(r.id, error="offset 9 is beyond the end"),))
        async with await open_link(session) as link:
            with pytest.raises(LinkRefused, match="beyond the end"):
                await anext(link.follow(9))

    async def test_what_has_come_is_taken_before_the_loss_is_told(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        dropped = asyncio.Event()

        async def run(end: ExecEnd) -> None:
            await end.send(a_snapshot())
            read = await end.request()
            await end.send(Reply(read.id, offset=0))
            await end.request()
            await end.send(an_output(0, b"one\n"), an_output(4, b"two\n"))
            await end.exit(137)

        server.run = run
        got: list[Item] = []
        async with await open_link(session, on_closed=lambda _: dropped.set()) as link:
            following = link.follow()
            got.append(await anext(following))
            await dropped.wait()
            got.append(await anext(following))
            with pytest.raises(LinkLost, match="exited with 137"):
                await anext(following)
        assert got == [an_output(0, b"one\n"), an_output(4, b"two\n")]

    async def test_a_hole_that_is_not_told_ends_the_link(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        async def run(end: ExecEnd) -> None:
            await end.send(a_snapshot())
            read = await end.request()
            await end.send(Reply(read.id, offset=0))
            await end.request()
            await end.send(an_output(4, b"two\n"))
            await end.frame()

        server.run = run
        async with await open_link(session) as link:
            with pytest.raises(LinkLost, match="OUTPUT at offset 4: 0 comes next"):
                await anext(link.follow())

    async def test_a_second_follow_takes_over_and_the_first_is_told(self, real: "Real") -> None:
        real.write(b"one\n")
        first = real.link.follow()
        assert await anext(first) == an_output(0, b"one\n")
        waiting = asyncio.create_task(anext(first))
        second = real.link.follow()
        assert await anext(second) == an_output(0, b"one\n")
        with pytest.raises(LinkRefused, match="another follow"):
            await waiting

    async def test_five_megabytes_come_byte_for_byte(self, real: "Real") -> None:
        digest, size = hashlib.sha256(), 0
        for number in range(50_000):
            real.write(b"%08d %s\n" % (number, b"x" * 90))
        real.end()
        async for item in real.link.follow():
            if isinstance(item, Output):
                assert item.offset == size
                digest.update(item.data)
                size += len(item.data)
        assert size == 5_000_000
        assert digest.hexdigest() == real.sha256.hexdigest()

    async def test_control_does_not_wait_behind_a_reader_who_takes_nothing(
        self, real: "Real"
    ) -> None:
        real.write(b"x" * 2_000_000)
        following = real.link.follow()
        await anext(following)
        for _ in range(20):
            assert (await real.link.status()).state == "Running"
        real.end()
        size = len(b"".join([i.data async for i in following if isinstance(i, Output)]))
        assert size == 2_000_000 - 65_536

    async def test_who_leaves_off_and_comes_back_goes_on_at_his_offset(self, real: "Real") -> None:
        real.write(b"x" * 1_000_000)
        real.end()
        offset = 0
        for _ in range(10):
            following = real.link.follow(offset)
            item = await anext(following)
            assert isinstance(item, Output)
            assert item.offset == offset
            offset = item.end
            await following.aclose()
        rest = [item async for item in real.link.follow(offset)]
        assert rest[-1] == End(1_000_000)
        assert sum(len(i.data) for i in rest if isinstance(i, Output)) == 1_000_000 - offset


class Real:
    """A link through the real program of the pod to a runner's real link server."""

    def __init__(self, link: RunnerLink, runner: Any) -> None:
        self.link, self._runner = link, runner
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self._runner.spool.append(Stream.STDOUT, data)
        self._runner.server.notify_output()
        self.sha256.update(data)

    def end(self) -> None:
        self._runner.server.notify_end()


@pytest.fixture
async def real(server: ApiServer, session: KubeSession, tmp_path: Path) -> AsyncIterator[Real]:
    async with a_runner(tmp_path) as runner:

        async def run(end: ExecEnd) -> None:
            async with a_link_program(tmp_path) as (process, _):
                assert process.stdin is not None
                assert process.stdout is not None
                copying = asyncio.create_task(_copy_output(process.stdout, end))
                try:
                    while True:
                        process.stdin.write(await end.stdin())
                finally:
                    copying.cancel()
                    await asyncio.wait([copying])

        server.run = run
        async with await open_link(session) as link:
            yield Real(link, runner)


async def _copy_output(stdout: asyncio.StreamReader, end: ExecEnd) -> None:
    with suppress(ConnectionError):
        while data := await stdout.read(32 * 1024):
            await end.write(data)
