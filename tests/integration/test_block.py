"""A process whose output is `Block`ed by readers of its links: it waits, and nothing is lost."""

import asyncio
import hashlib
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from ccx_runner.back_pressure import BackPressure
from ccx_runner.frames import Credit, Gap, Lease, Output, Read, Stream
from ccx_runner.mirror import Mirror
from ccx_runner.output import Output as PipesOutput
from ccx_runner.output import Sinks
from ccx_runner.spool import MIN_CAPACITY
from support.links import Client, Runner, a_client, a_link_program, a_runner, until

PRINTED = 3 * MIN_CAPACITY
PRINT = f"""
import os
for start in range(0, {PRINTED}, 8192):
    os.write(1, b"".join(b"%015d\\n" % n for n in range(start, start + 8192, 16)))
"""
ALL = b"".join(b"%015d\n" % n for n in range(0, PRINTED, 16))


@asynccontextmanager
async def a_small_runner(
    run_dir: Path, *, lease_seconds: float = 30.0, away_seconds: float = 120.0
) -> AsyncIterator[Runner]:
    """Its spool holds a third of what is printed; the whole test has a minute."""
    async with (
        asyncio.timeout(60),
        a_runner(
            run_dir,
            capacity=MIN_CAPACITY,
            lease_seconds=lease_seconds,
            away_seconds=away_seconds,
        ) as runner,
    ):
        yield runner


@dataclass
class Printing:
    """A real process that prints three times what the spool holds."""

    runner: Runner
    process: asyncio.subprocess.Process
    output: PipesOutput

    async def waits(self) -> None:
        """Its write does not return: for 50 looks in a row it has written nothing more."""
        written, quiet = b"", 0

        def has_stopped() -> bool:
            nonlocal written, quiet
            now = Path(f"/proc/{self.process.pid}/io").read_bytes()
            quiet = quiet + 1 if now == written and self.runner.spool.end else 0
            written = now
            return quiet > 50

        await until(has_stopped)
        assert self.process.returncode is None
        assert self.runner.spool.end < PRINTED

    async def ends(self) -> None:
        await self.output.ended.wait()
        assert await self.process.wait() == 0
        self.runner.server.notify_end()


@asynccontextmanager
async def printing(runner: Runner) -> AsyncIterator[Printing]:
    reader, writer = os.pipe()
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", PRINT, stdout=writer)
    os.close(writer)
    os.set_blocking(reader, False)
    output = PipesOutput(
        Sinks(runner.spool, Mirror(None), None),
        taken=runner.server.notify_output,
        failed=lambda message: None,
        has_room=BackPressure(runner.spool, runner.server.wanted).has_room,
    )
    runner.moved.append(output.go_on)
    output.read({Stream.STDOUT: os.fdopen(reader, "rb", buffering=0)})
    try:
        yield Printing(runner, process, output)
    finally:
        output.close()
        if process.returncode is None:
            process.kill()
        await process.wait()


def data_of(found: list[Output | Gap]) -> bytes:
    assert not any(isinstance(piece, Gap) for piece in found)
    return b"".join(piece.data for piece in found if isinstance(piece, Output))


def start_reading(client: Client, offset: int = 0, *, credit: int = 0) -> None:
    client.send(Read(1, offset), Credit(credit))


async def read(client: Client, count: int) -> bytes:
    """So many bytes, for which there is credit."""
    found = b""
    while len(found) < count:
        frame = await client.next()
        assert not isinstance(frame, Gap)
        found += frame.data if isinstance(frame, Output) else b""
    return found


async def test_the_process_waits_while_a_reader_is_behind_and_nothing_is_lost(
    tmp_path: Path,
) -> None:
    async with (
        a_small_runner(tmp_path) as runner,
        a_client(runner) as client,
    ):
        start_reading(client)
        await client.reply()
        async with printing(runner) as process:
            await process.waits()
            following = asyncio.create_task(client.follow())
            await process.ends()
            assert data_of(await following) == ALL
        assert runner.spool.sha256() == hashlib.sha256(ALL).hexdigest()


async def test_without_a_reader_nothing_waits_and_what_is_dropped_is_one_gap_of_that_size(
    tmp_path: Path,
) -> None:
    async with a_small_runner(tmp_path) as runner:
        async with printing(runner) as process:
            await process.ends()
        async with a_client(runner) as client:
            gap, *rest = await client.follow()
            assert gap == Gap(0, runner.spool.oldest)
            assert 0 < runner.spool.oldest == PRINTED - len(data_of(rest))
            assert data_of(rest) == ALL[runner.spool.oldest :]


async def test_the_furthest_behind_of_several_readers_counts(tmp_path: Path) -> None:
    async with (
        a_small_runner(tmp_path) as runner,
        a_client(runner) as quick,
        a_client(runner) as slow,
    ):
        start_reading(slow, credit=1000)
        await slow.reply()
        async with printing(runner) as process:
            following = asyncio.create_task(quick.follow())
            await process.waits()
            assert await read(slow, 1000) == ALL[:1000]
            catching_up = asyncio.create_task(slow.follow(1000))
            await process.ends()
            assert data_of(await following) == ALL
            assert data_of(await catching_up) == ALL[1000:]


async def test_a_reader_whose_link_has_gone_is_waited_for_until_it_is_back(tmp_path: Path) -> None:
    async with (
        a_small_runner(tmp_path) as runner,
        a_client(runner) as client,
        printing(runner) as process,
    ):
        start_reading(client, credit=500_000)
        had = await read(client, 300_000)  # of what it was sent: the rest is lost
        client.writer.transport.abort()
        await process.waits()
        async with a_client(runner) as again:
            following = asyncio.create_task(again.follow(len(had)))
            await process.ends()
            assert had + data_of(await following) == ALL


async def test_a_reader_that_says_goodbye_keeps_its_place_for_a_while_too(tmp_path: Path) -> None:
    async with (
        a_small_runner(tmp_path) as runner,
        a_client(runner) as client,
    ):
        start_reading(client)
        await client.reply()
        client.send(Lease(done=True))
        await until(lambda: runner.server.wanted() == 0 and not runner.server.readers_behind())
        async with printing(runner) as process:
            await process.waits()


async def test_who_says_goodbye_while_others_read_on_is_not_waited_for(tmp_path: Path) -> None:
    async with (
        a_small_runner(tmp_path) as runner,
        a_client(runner) as client,
        a_client(runner) as other,
        printing(runner) as process,
    ):
        start_reading(client)
        await client.reply()
        following = asyncio.create_task(other.follow())
        await process.waits()
        client.send(Lease(done=True))
        await process.ends()
        assert data_of(await following) == ALL


async def test_who_is_waited_for_in_vain_is_given_up(tmp_path: Path) -> None:
    async with (
        a_small_runner(tmp_path, away_seconds=0.5) as runner,
    ):
        async with a_client(runner) as client:
            start_reading(client)
            await client.reply()
        async with printing(runner) as process:
            await process.ends()
        assert runner.spool.oldest > 0


async def test_a_reader_that_has_gone_without_a_word_is_waited_for_no_longer_than_its_lease(
    tmp_path: Path,
) -> None:
    """A partition: link and exec stay open, no frame comes, and nothing is taken any more."""
    async with (
        a_small_runner(tmp_path, lease_seconds=0.5) as runner,
        a_link_program(tmp_path) as (_, client),
    ):
        began = asyncio.get_running_loop().time()
        start_reading(client, credit=2**40)
        await client.reply()
        async with printing(runner) as process:
            await process.ends()
        assert asyncio.get_running_loop().time() > began + 0.45
        assert runner.spool.oldest > 0


async def test_a_reader_with_a_lease_that_takes_nothing_is_waited_for_as_long_as_it_stays(
    tmp_path: Path,
) -> None:
    """For two leases, as for a minute."""
    loop = asyncio.get_running_loop()
    async with (
        a_small_runner(tmp_path, lease_seconds=2.0) as runner,
        a_client(runner) as client,
    ):
        start_reading(client)
        await client.reply()
        two_leases = loop.time() + 4.0

        async def stay() -> None:
            while True:
                client.send(Lease())
                await asyncio.sleep(0.02)

        async with printing(runner) as process:
            staying = asyncio.create_task(stay())
            await until(lambda: loop.time() > two_leases)
            await process.waits()
            staying.cancel()
            following = asyncio.create_task(client.follow())
            await process.ends()
            assert data_of(await following) == ALL


async def test_a_client_may_keep_a_place_for_another_one_that_it_speaks_for(tmp_path: Path) -> None:
    async with (
        a_small_runner(tmp_path) as runner,
        a_client(runner) as client,
        printing(runner) as process,
    ):
        client.send(Read(1, 0, keep=0), Credit(MIN_CAPACITY // 2))
        assert await read(client, MIN_CAPACITY // 2)
        await process.waits()
        assert runner.server.wanted() == 0
        following = asyncio.create_task(client.follow())
        await process.ends()
        assert data_of(await following) == ALL
