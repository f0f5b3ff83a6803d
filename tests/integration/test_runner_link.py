"""link.py as a process between a client and a link server."""

import asyncio
import hashlib
import os
import socket
from pathlib import Path

import pytest

from ccx_runner.frames import Credit, Output, Read, Request, Stream, Verb
from support.links import (
    LINK_PROGRAM,
    a_client,
    a_link_program,
    a_runner,
    the_first_snapshot,
    until,
)

LINE = b"0123456789abcdef" * 6 + b"xyz\n"
OUT = Stream.STDOUT


async def test_twenty_megabytes_arrive_byte_for_byte(tmp_path: Path) -> None:
    sent = hashlib.sha256()
    async with (
        asyncio.timeout(60),
        a_runner(tmp_path) as runner,
        a_link_program(tmp_path) as (_, client),
    ):
        assert await client.next() == the_first_snapshot(runner.control.state)
        following = asyncio.create_task(client.follow())
        for n in range(320):
            block = b"%d\n" % n + LINE * 650
            sent.update(block)
            runner.spool.append(Stream(1 + n % 2), block)
            runner.server.notify_output()
            await asyncio.sleep(0)
        runner.server.notify_end()
        pieces = [piece for piece in await following if isinstance(piece, Output)]
        assert sum(len(piece.data) for piece in pieces) == runner.spool.end > 20_000_000
        got = hashlib.sha256(b"".join(piece.data for piece in pieces))
        assert got.hexdigest() == sent.hexdigest() == runner.spool.sha256()


async def test_it_goes_when_stdin_ends_although_stdout_is_blocked(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(60),
        a_runner(tmp_path, lease_seconds=600) as runner,  # it goes for another reason
        a_link_program(tmp_path) as (process, client),
    ):
        await client.snapshot()
        runner.spool.append(OUT, LINE * 100_000)
        client.send(Read(1, 0), Credit(2**40))
        await _blocked(process)
        client.writer.close()
        await until(lambda: process.returncode == 0 and not runner.server._links.open)


async def test_a_verb_is_carried_out_although_its_sender_reads_nothing(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(60),
        a_runner(tmp_path) as runner,
        a_link_program(tmp_path) as (process, client),
    ):
        runner.spool.append(OUT, LINE * 100_000)
        client.send(Read(1, 0), Credit(2**40))
        await _blocked(process)
        client.send(Request(Verb.CANCEL, 2))
        assert await runner.control.asked.get() == ("cancel", None)


async def test_control_is_answered_while_output_flows_past_a_stalled_reader(
    tmp_path: Path,
) -> None:
    async with (
        asyncio.timeout(60),
        a_runner(tmp_path) as runner,
        a_link_program(tmp_path) as (process, stalled),
        a_link_program(tmp_path) as (_, client),
    ):
        runner.spool.append(OUT, LINE * 100_000)
        stalled.send(Read(1, 0), Credit(2**40))
        await _blocked(process)
        following = asyncio.create_task(client.follow())
        async with a_client(runner) as third:
            for n in range(20):
                third.send(Request(Verb.PAUSE, n))
                assert (await third.reply()).id == n
        runner.server.notify_end()
        assert sum(len(o.data) for o in await following if isinstance(o, Output)) == 10_000_000


async def test_it_ends_when_the_runner_ends_the_link_and_says_why(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(60),
        a_runner(tmp_path, lease_seconds=0.2),
        a_link_program(tmp_path) as (process, client),
    ):
        assert "no frame for 0.2 s" in ((await client.reply()).error or "")
        assert await process.wait() == 0


async def test_what_was_sent_just_before_the_end_of_stdin_is_carried_out(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(60),
        a_runner(tmp_path) as runner,
        a_link_program(tmp_path) as (process, client),
    ):
        client.send(Request(Verb.CANCEL, 1))
        client.writer.close()
        assert await runner.control.asked.get() == ("cancel", None)
        assert await process.wait() == 0


async def test_it_ends_when_nobody_reads_its_stdout_any_more(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    async with asyncio.timeout(60), a_runner(tmp_path):
        process = await asyncio.create_subprocess_exec(
            *("python3", "-I", "-S", LINK_PROGRAM),
            stdin=asyncio.subprocess.PIPE,
            stdout=writer,
            env={**os.environ, "CCX_RUN_DIR": str(tmp_path), "CCX_RUNNER_PID": str(os.getpid())},
        )
        os.close(writer)
        os.close(reader)
        assert await process.wait() == 0


async def test_it_refuses_a_socket_that_is_not_the_runners(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(60),
        a_runner(tmp_path),
        a_link_program(tmp_path, runner_pid=1) as (process, _),
    ):
        stdout, stderr = await process.communicate()
    expected = f"ccx link: {tmp_path}/link.sock belongs to process {os.getpid()}, not 1\n"
    assert (process.returncode, stdout, stderr.decode()) == (1, b"", expected)


@pytest.mark.parametrize("left_behind", [False, True])
async def test_without_a_runner_it_says_so_in_one_line(tmp_path: Path, left_behind: bool) -> None:
    if left_behind:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(tmp_path / "link.sock"))
    async with asyncio.timeout(60), a_link_program(tmp_path) as (process, _):
        _, stderr = await process.communicate()
    assert process.returncode == 1
    assert stderr.startswith(f"ccx link: no runner at {tmp_path}/link.sock: ".encode())
    assert stderr.count(b"\n") == 1


async def _blocked(process: asyncio.subprocess.Process) -> None:
    """Wait until the program has filled the pipe that nobody reads, and sleeps in its poll."""
    written, quiet = b"", 0

    def has_stopped() -> bool:
        nonlocal written, quiet
        now = Path(f"/proc/{process.pid}/io").read_bytes()
        quiet = quiet + 1 if now == written and b"wchar: 0\n" not in now else 0
        written = now
        return quiet > 50

    await until(has_stopped)
