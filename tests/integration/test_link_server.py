import asyncio
import os
import struct
from pathlib import Path

import pytest

from ccx_runner.follower import AT_ONCE
from ccx_runner.frames import (
    Credit,
    End,
    Gap,
    Lease,
    Output,
    Read,
    Reply,
    Request,
    Stream,
    Verb,
)
from ccx_runner.link_ports import MAX_LINKS
from ccx_runner.link_session import MAX_UNREAD, WRITE_HIGH, LinkSession
from ccx_runner.snapshot import Snapshot
from ccx_runner.snapshot_json import to_object
from ccx_runner.wishes import Wish
from support.links import a_client, a_runner, the_first_snapshot, until

OUT, ERR = Stream.STDOUT, Stream.STDERR
PAUSE = {"generation": 3, "desiredState": "Paused"}


async def test_the_first_frame_of_a_link_is_the_snapshot(tmp_path: Path) -> None:
    async with asyncio.timeout(60), a_runner(tmp_path) as runner, a_client(runner) as client:
        assert await client.next() == the_first_snapshot(runner.control.state)


async def test_output_flows_as_it_comes_and_ends(tmp_path: Path) -> None:
    async with asyncio.timeout(60), a_runner(tmp_path) as runner, a_client(runner) as client:
        runner.spool.append(OUT, b"one\n")
        client.send(Read(1, 0), Credit(100))
        assert await client.reply() == Reply(1, offset=0)
        assert await client.next() == Output(0, OUT, b"one\n")
        runner.spool.append(ERR, b"two\n")
        runner.server.notify_output()
        assert await client.next() == Output(4, ERR, b"two\n")
        runner.server.notify_end()
        assert await client.next() == End(8)


async def test_a_reader_from_before_the_oldest_byte_is_told_of_the_gap(tmp_path: Path) -> None:
    async with asyncio.timeout(60), a_runner(tmp_path, capacity=16) as runner:
        runner.spool.append(OUT, b"0123456789abcdefghij")
        runner.server.notify_end()
        async with a_client(runner) as client:
            found = await client.follow(2)
            assert found[0] == Gap(2, 4)
            data = b"".join(piece.data for piece in found if isinstance(piece, Output))
            assert data == b"456789abcdefghij"


async def test_an_offset_beyond_the_end_is_refused(tmp_path: Path) -> None:
    async with asyncio.timeout(60), a_runner(tmp_path) as runner, a_client(runner) as client:
        client.send(Read(1, 9))
        assert (await client.reply()).error == "offset 9 is beyond the end of the output, 0"


async def test_a_verb_is_answered_when_it_is_carried_out(tmp_path: Path) -> None:
    async with asyncio.timeout(60), a_runner(tmp_path) as runner, a_client(runner) as client:
        client.send(Request(Verb.PAUSE, "a", PAUSE))
        reply = await client.reply()
        assert (reply.id, reply.error) == ("a", None)
        assert reply.snapshot == to_object(Snapshot(state="Paused", generation=3))
        assert await runner.control.asked.get() == ("pause", Wish(3, "Paused"))


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (Request(Verb.RESUME, 1), "stale generation"),
        (Request(Verb.PAUSE, 1, {"generation": "3"}), "generation: must be a whole number"),
        (Request(Verb.INTERRUPT, 1), "the runner failed: its log says how"),
    ],
)
async def test_a_refused_verb_is_answered_with_the_reason(
    tmp_path: Path, request_: Request, error: str
) -> None:
    async with asyncio.timeout(60), a_runner(tmp_path) as runner, a_client(runner) as client:
        client.send(request_)
        reply = await client.reply()
        assert reply.error is not None
        assert reply.error.startswith(error)


async def test_a_state_change_is_pushed_to_every_link(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(60),
        a_runner(tmp_path) as runner,
        a_client(runner) as one,
        a_client(runner) as two,
    ):
        for client in (one, two):
            await client.snapshot()
        await runner.control.pause(None)
        runner.server.notify_snapshot()
        for client in (one, two):
            assert (await client.snapshot()).snapshot["state"] == "Paused"


async def test_a_link_too_many_is_told_why_and_closed(tmp_path: Path) -> None:
    async with asyncio.timeout(60), a_runner(tmp_path) as runner:
        clients = [a_client(runner) for _ in range(MAX_LINKS)]
        for client in clients:
            await (await client.__aenter__()).snapshot()
        async with a_client(runner) as further:
            assert await further.next() == Reply(None, "16 links are open: close one first")
            assert await further.next() is None
        for client in clients:
            await client.__aexit__(None, None, None)


async def test_a_peer_that_may_not_connect_is_told_why_and_closed(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(60),
        a_runner(tmp_path, may_connect=_is_stranger) as runner,
        a_client(runner) as client,
    ):
        told = await client.next()
        assert isinstance(told, Reply)
        assert told.error is not None
        assert told.error.startswith(f"process {os.getpid()} belongs to the execution")
        assert await client.next() is None


def _is_stranger(pid: int) -> bool:
    return pid != os.getpid()


async def test_who_does_not_keep_to_the_protocol_is_told_why_and_closed(tmp_path: Path) -> None:
    async with asyncio.timeout(60), a_runner(tmp_path) as runner, a_client(runner) as client:
        client.writer.write(struct.pack(">BI", 0x41, 0))
        assert "frame type 0x41" in ((await client.reply()).error or "")
        assert await client.next() is None


async def test_a_link_without_a_frame_for_too_long_is_closed(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(60),
        a_runner(tmp_path, lease_seconds=0.05) as runner,
        a_client(runner) as client,
    ):
        assert "no frame for 0.05 s" in ((await client.reply()).error or "")
        assert await client.next() is None


async def test_a_link_lives_as_long_as_frames_come(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with (
        asyncio.timeout(60),
        a_runner(tmp_path, lease_seconds=3.0) as runner,
        a_client(runner) as client,
    ):
        until = loop.time() + 4.0
        while loop.time() < until:
            client.send(Lease(), Request(Verb.STATUS, 1))
            assert (await client.reply()).ok


async def test_a_reader_that_stalls_costs_bounded_memory_and_then_gets_everything(
    tmp_path: Path,
) -> None:
    async with (
        asyncio.timeout(60),
        a_runner(tmp_path) as runner,
        a_client(runner) as stalled,
        a_client(runner) as quick,
    ):
        stalled.send(Read(1, 0), Credit(2**40))
        await stalled.reply()
        following = asyncio.create_task(quick.follow())
        for n in range(300):
            runner.spool.append(OUT, b"%06d\n" % n * 8_000)
            runner.server.notify_output()
            runner.server.notify_snapshot()
            assert _buffered(runner.server._links.open) <= 2 * (WRITE_HIGH + AT_ONCE + 4_000)
            await asyncio.sleep(0)
        runner.server.notify_end()
        assert sum(len(o.data) for o in await following if isinstance(o, Output)) == 16_800_000
        assert sum(len(o.data) for o in await stalled.follow() if isinstance(o, Output)) >= (
            16_800_000
        )


def _buffered(links: object) -> int:
    assert isinstance(links, set)
    total = 0
    for link in links:
        assert isinstance(link, LinkSession)
        if link._transport is not None:
            total += link._transport.get_write_buffer_size()
    return total


async def test_control_is_answered_ahead_of_output_that_waits_for_credit(tmp_path: Path) -> None:
    async with asyncio.timeout(60), a_runner(tmp_path) as runner, a_client(runner) as client:
        runner.spool.append(OUT, b"x" * 1_000_000)
        client.send(Read(1, 0), Credit(10), Request(Verb.PAUSE, 2))
        assert await client.reply() == Reply(1, offset=0)
        assert await client.next() == Output(0, OUT, b"x" * 10)
        assert (await client.reply()).id == 2


async def test_a_cancel_is_carried_out_although_its_link_is_gone_at_once(tmp_path: Path) -> None:
    async with asyncio.timeout(60), a_runner(tmp_path) as runner, a_client(runner) as client:
        client.send(Request(Verb.CANCEL, 1))
        client.writer.close()
        assert await runner.control.asked.get() == ("cancel", None)


async def test_what_is_being_carried_out_at_the_end_is_still_answered(tmp_path: Path) -> None:
    async with asyncio.timeout(60), a_runner(tmp_path) as runner, a_client(runner) as client:
        runner.control.may_pause.clear()
        client.send(Request(Verb.PAUSE, 7, PAUSE))
        await runner.control.asked.get()
        closing = asyncio.create_task(runner.server.close())
        asyncio.get_running_loop().call_soon(runner.control.may_pause.set)
        await closing
        assert (await client.reply()).id == 7


async def test_who_leaves_replies_unread_is_cut_off(tmp_path: Path) -> None:
    async with asyncio.timeout(60), a_runner(tmp_path) as runner, a_client(runner) as client:
        await client.snapshot()
        while runner.server._links.open:
            client.send(*[Request(Verb.STATUS, n) for n in range(100)])
            assert _buffered(runner.server._links.open) <= MAX_UNREAD + 10_000
            await asyncio.sleep(0)


async def test_a_follower_is_behind_until_it_has_shown_that_it_has_the_end(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(60),
        a_runner(tmp_path) as runner,
        a_client(runner) as idle,
        a_client(runner) as client,
    ):
        await idle.snapshot()
        client.send(Read(1, 0))
        await client.reply()
        assert runner.server.readers_behind()
        runner.server.notify_end()
        assert await client.next() == End(0)
        assert runner.server.readers_behind()
        client.send(Lease(), Request(Verb.STATUS, 2))
        await client.reply()
        assert not runner.server.readers_behind()


async def test_a_reader_whose_link_breaks_is_expected_back_for_a_while(tmp_path: Path) -> None:
    async with asyncio.timeout(60), a_runner(tmp_path, return_seconds=2.0) as runner:
        runner.spool.append(OUT, b"one\n")
        runner.server.notify_end()
        async with a_client(runner) as client:
            client.send(Read(1, 0), Credit(100))
            while not isinstance(await client.next(), End):
                pass
        assert runner.server.readers_behind()  # it has not shown that the end has reached it
        async with a_client(runner) as client:
            await client.follow()
            client.send(Lease(), Request(Verb.STATUS, 2))
            await client.reply()
            assert not runner.server.readers_behind()
        async with a_client(runner) as client:
            client.send(Read(1, 0))
            await client.reply()
        assert runner.server.readers_behind()
        await until(lambda: not runner.server.readers_behind())


async def test_a_reader_that_says_that_it_is_done_is_not_waited_for(tmp_path: Path) -> None:
    async with asyncio.timeout(60), a_runner(tmp_path) as runner, a_client(runner) as client:
        client.send(Read(1, 0), Lease(done=True), Request(Verb.STATUS, 2))
        while (await client.reply()).id != 2:
            pass
        assert not runner.server.readers_behind()
        client.writer.close()
        await until(lambda: not runner.server._links.open)
        assert not runner.server.readers_behind()


async def test_a_spool_that_cannot_be_read_ends_the_link_with_the_reason(tmp_path: Path) -> None:
    async with asyncio.timeout(60), a_runner(tmp_path) as runner, a_client(runner) as client:
        runner.spool.append(OUT, b"one\n")
        (file,) = (tmp_path / "spool").iterdir()
        file.write_bytes(b"")
        client.send(Read(1, 0), Credit(100))
        assert (await client.reply()).ok
        assert "the spool cannot be read" in ((await client.reply()).error or "")


async def test_a_socket_of_an_earlier_runner_and_a_long_path_are_no_trouble(tmp_path: Path) -> None:
    run_dir = tmp_path / ("long" * 40)
    run_dir.mkdir()
    for _ in range(2):
        async with asyncio.timeout(60), a_runner(run_dir):
            assert (run_dir / "link.sock").stat().st_mode & 0o777 == 0o600
