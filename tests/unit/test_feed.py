import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccx_gateway.attachment import Attachment, SendTail
from ccx_gateway.feed import AHEAD, Feed, OffsetBeyondEndError
from ccx_gateway.output_window import CAPACITY, Gap
from ccx_gateway.upstream import Ended, OutputLost
from ccx_gateway.viewer import MAX_NOTIFICATION, Viewer
from support.links import until
from support.output_source import PIECE, PlayedRunner, Reader, a_reader, some_output

OUTPUT = some_output(CAPACITY * 3)


class Watching:
    def __init__(self, runner: PlayedRunner) -> None:
        self.feed = Feed(runner, self._failed)
        self.attachments: list[Attachment] = []

    def _failed(self, reason: Exception) -> None:
        for attachment in self.attachments:
            attachment.fail(reason)

    def attach(
        self,
        reader: Reader,
        offset: int = 0,
        credit: int | None = None,
        send_tail: SendTail | None = None,
    ) -> Attachment:
        viewer = Viewer(offset, credit)
        attachment = Attachment(self.feed, viewer, reader.send, lambda _: None, send_tail)
        self.attachments.append(attachment)
        return attachment


@asynccontextmanager
async def watching(runner: PlayedRunner) -> AsyncIterator[Watching]:
    async with asyncio.timeout(60):
        watched = Watching(runner)
        try:
            yield watched
        finally:
            for attachment in watched.attachments:
                await attachment.detach()
            await watched.feed.close()
    assert not [link for link in [*runner.links, *runner.spools] if link.is_open]


async def test_a_viewer_gets_every_byte_and_then_the_end() -> None:
    reader = a_reader()
    async with watching(PlayedRunner(OUTPUT, ended=True)) as watched:
        await watched.attach(reader).finished()
    assert reader.data == OUTPUT


@settings(max_examples=25)
@given(st.lists(st.integers(0, 30), max_size=4), st.integers(0, 300_000), st.booleans())
async def test_wherever_a_link_breaks_every_byte_comes_once(
    breaks: list[int], offset: int, cut_at_start: bool
) -> None:
    output = OUTPUT[:300_000]
    runner, reader = PlayedRunner(output, ended=True, listens=not cut_at_start), a_reader()
    at = {sum(breaks[: n + 1]) for n in range(len(breaks))}
    reader.on_item = lambda: runner.break_links() if len(reader.got) in at else None
    async with watching(runner) as watched:
        attachment = watched.attach(reader, offset)
        await asyncio.sleep(0)
        runner.listens = True
        await attachment.finished()
    assert reader.data == output[offset:]


async def test_what_a_runner_has_dropped_while_its_link_was_broken_is_a_gap() -> None:
    runner, reader = PlayedRunner(OUTPUT[:1000]), a_reader()
    async with watching(runner) as watched:
        attachment = watched.attach(reader)
        await until(lambda: reader.data == OUTPUT[:1000])
        runner.output, runner.oldest, runner.ended = OUTPUT[:9000], 5000, True
        runner.break_links()
        await attachment.finished()
    assert reader.gaps == [Gap(1000, 5000)]
    reader.assert_in_order(0, 9000)


async def test_no_more_is_read_than_the_furthest_viewer_wants() -> None:
    runner, reader = PlayedRunner(OUTPUT, ended=True), a_reader(stalled=True)
    async with watching(runner) as watched:
        attachment = watched.attach(reader)
        await until(lambda: watched.feed.window.end > AHEAD)
        for _ in range(100):
            await asyncio.sleep(0)
        assert watched.feed.window.end <= AHEAD + PIECE + MAX_NOTIFICATION
        assert not runner.spools
        reader.reads.set()
        await attachment.finished()
    assert reader.data == OUTPUT


async def test_who_is_left_behind_reads_the_spool_and_holds_back_nobody() -> None:
    runner, fast, stalled = PlayedRunner(OUTPUT, ended=True), a_reader(), a_reader(stalled=True)
    async with watching(runner) as watched:
        slow = watched.attach(stalled)
        await watched.attach(fast).finished()
        assert (fast.data, stalled.data) == (OUTPUT, b"")
        await until(lambda: bool(runner.spools))  # the runner sees that somebody is behind
        stalled.reads.set()
        await slow.finished()
        assert len(runner.spools) == 1
        await until(lambda: not runner.spools[0].is_open)
    assert stalled.data == OUTPUT


async def test_several_who_are_behind_take_turns_at_one_link() -> None:
    runner, fast = PlayedRunner(OUTPUT, ended=True), a_reader()
    slow = [a_reader(stalled=True) for _ in range(3)]
    async with watching(runner) as watched:
        attached = [watched.attach(reader, n * 12_345) for n, reader in enumerate(slow)]
        await watched.attach(fast).finished()
        for reader in slow:
            reader.reads.set()
        for attachment in attached:
            await attachment.finished()
        assert len(runner.spools) == 1
    for n, reader in enumerate(slow):
        assert reader.data == OUTPUT[n * 12_345 :]


async def test_whoever_is_read_for_the_place_of_the_one_furthest_behind_is_kept() -> None:
    runner, fast = PlayedRunner(OUTPUT, ended=True), a_reader()
    furthest, behind = a_reader(stalled=True), a_reader(stalled=True)
    async with watching(runner) as watched:
        stands = watched.attach(furthest)
        watched.attach(behind, 100_000)
        await watched.attach(fast).finished()
        behind.reads.set()
        await until(lambda: len(behind.data) > CAPACITY // 2)
        assert runner.spools[0].keeps == stands.cursor < 100_000


async def test_with_block_nothing_new_is_read_until_the_runner_knows_of_who_is_left_behind() -> (
    None
):
    runner = PlayedRunner(OUTPUT, ended=True, blocks=True, may_open_spool=asyncio.Event())
    fast, stalled = a_reader(), a_reader(stalled=True)
    async with watching(runner) as watched:
        slow = watched.attach(stalled)
        reading = watched.attach(fast)
        await until(lambda: watched.feed.window.oldest > slow.cursor)
        for _ in range(100):
            await asyncio.sleep(0)
        assert watched.feed.window.oldest <= slow.cursor + PIECE
        assert runner.may_open_spool is not None
        runner.may_open_spool.set()
        await reading.finished()
        stalled.reads.set()
        await slow.finished()
    assert stalled.data == fast.data == OUTPUT


async def test_with_block_who_is_behind_and_reads_holds_up_nobody() -> None:
    runner, fast, late = PlayedRunner(OUTPUT, blocks=True), a_reader(), a_reader()
    async with watching(runner) as watched:
        reading = watched.attach(fast)
        await until(lambda: watched.feed.window.oldest > CAPACITY // 2)
        watched.attach(late)
        runner.ended = True
        await reading.finished()
        await watched.attachments[1].finished()
    assert late.data == fast.data == OUTPUT


async def test_who_comes_later_and_wants_it_from_the_start_gets_it_from_the_spool() -> None:
    runner, first, second = PlayedRunner(OUTPUT[:50_000]), a_reader(), a_reader()
    async with watching(runner) as watched:
        watched.attach(first, 40_050)
        await until(lambda: first.data == OUTPUT[40_050:50_000])
        later = watched.attach(second)
        await until(lambda: second.data == OUTPUT[:50_000])
        runner.ended = True
        await later.finished()


@pytest.mark.parametrize("begun", [0, 400])
async def test_what_takes_the_runners_place_after_its_end_is_gone_on_with(begun: int) -> None:
    runner, reader = PlayedRunner(OUTPUT[:begun], listens=begun > 0), a_reader()
    async with watching(runner) as watched:
        attachment = watched.attach(reader)
        await until(lambda: len(reader.data) == begun)
        runner.listens = False
        runner.break_links()
        runner.output, runner.ended, runner.listens = OUTPUT[:1000], True, True
        await attachment.finished()
    assert reader.data == OUTPUT[:1000]


async def test_who_has_missed_something_is_sent_the_tail_last_of_all_and_nobody_else() -> None:
    runner, reader = PlayedRunner(OUTPUT[:400]), a_reader()
    told: list[tuple[str, bytes]] = []

    def tails_of(name: str) -> SendTail:
        async def send(tail: bytes) -> None:
            told.append((name, tail))

        return send

    async with watching(runner) as watched:
        misses = watched.attach(reader, send_tail=tails_of("misses"))
        await until(lambda: len(reader.data) == 400)
        runner.output, runner.listens, runner.left = OUTPUT[:1000], False, Ended(1000, b"the end")
        runner.break_links()
        await misses.finished()
        await watched.attach(a_reader(), 1000, send_tail=tails_of("has all")).finished()
    assert reader.gaps == [Gap(400, 1000)]
    assert told == [("misses", b"the end")]


@pytest.mark.parametrize(("begun", "offset"), [(0, 0), (0, 300), (400, 0), (400, 100)])
async def test_after_the_pod_has_ended_what_nobody_has_is_a_gap_of_known_size(
    begun: int, offset: int
) -> None:
    runner, reader = PlayedRunner(OUTPUT[:begun], listens=begun > 0), a_reader()
    async with watching(runner) as watched:
        attachment = watched.attach(reader, offset)
        await until(lambda: len(reader.data) == max(0, begun - offset))
        runner.listens, runner.left = False, Ended(1000)
        runner.break_links()
        await attachment.finished()
    assert reader.gaps == [Gap(max(begun, offset), 1000)]


async def test_who_is_behind_when_the_runner_goes_gets_a_gap_and_what_the_window_has() -> None:
    runner, fast, stalled = PlayedRunner(OUTPUT, ended=True), a_reader(), a_reader(stalled=True)
    async with watching(runner) as watched:
        slow = watched.attach(stalled)
        await watched.attach(fast).finished()
        await until(lambda: bool(runner.spools))
        runner.listens, runner.left = False, Ended(len(OUTPUT))
        runner.break_links()
        stalled.reads.set()
        await slow.finished()
    (gap,) = stalled.gaps
    assert gap.end == len(OUTPUT) - CAPACITY
    stalled.assert_in_order(0, len(OUTPUT))


async def test_a_link_that_breaks_while_nobody_reads_is_opened_again_before_anybody_does() -> None:
    runner, reader = PlayedRunner(OUTPUT, ended=True), a_reader(stalled=True)
    async with watching(runner) as watched:
        attachment = watched.attach(reader)
        await until(lambda: watched.feed.window.end > AHEAD)
        runner.break_links()
        await until(lambda: len(runner.links) == 2 and runner.links[1].is_open)
        reader.reads.set()
        await attachment.finished()
    assert reader.data == OUTPUT


async def test_whose_spool_breaks_after_the_end_has_another_as_long_as_the_runner_is_there() -> (
    None
):
    runner, fast, stalled = PlayedRunner(OUTPUT, ended=True), a_reader(), a_reader(stalled=True)
    async with watching(runner) as watched:
        slow = watched.attach(stalled)
        await watched.attach(fast).finished()
        await until(lambda: bool(runner.spools))
        runner.break_links()
        await until(lambda: len(runner.spools) == 2)  # before anybody reads
        stalled.on_item = lambda: runner.break_links() if len(stalled.got) % 7 == 0 else None
        stalled.reads.set()
        await slow.finished()
    assert stalled.data == OUTPUT


async def test_who_wants_more_than_the_window_ever_had_gets_it_from_what_is_left() -> None:
    runner, first, second = PlayedRunner(OUTPUT[:50_000]), a_reader(stalled=True), a_reader()
    async with watching(runner) as watched:
        watched.attach(first, 40_050)
        await until(lambda: watched.feed.window.end == 50_000)
        runner.output, runner.ended = OUTPUT[:60_000], True
        runner.break_links()
        await watched.attach(second).finished()
    assert second.data == OUTPUT[:60_000]


async def test_an_offset_beyond_the_end_is_refused_to_who_asks_for_it_alone() -> None:
    runner, good = PlayedRunner(OUTPUT[:1000]), a_reader()
    async with watching(runner) as watched:
        with_too_much = watched.attach(a_reader(), 1001)
        others = watched.attach(good, 500)
        with pytest.raises(OffsetBeyondEndError, match=r"offset 1001 is beyond .*, 1000"):
            await with_too_much.finished()
        with pytest.raises(OffsetBeyondEndError, match="2000"):
            await watched.attach(a_reader(), 2000).finished()
        runner.ended = True
        await others.finished()
    assert good.data == OUTPUT[500:1000]


async def test_that_nobody_knows_how_much_there_was_is_an_error_not_an_end() -> None:
    runner = PlayedRunner(listens=False, left=OutputLost("the pod is gone"))
    async with watching(runner) as watched:
        with pytest.raises(OutputLost, match="the pod is gone"):
            await watched.attach(a_reader()).finished()


async def test_a_client_that_fails_ends_its_own_stream_alone() -> None:
    runner, good = PlayedRunner(OUTPUT[:1000], ended=True), a_reader()

    async def fail(_: object) -> None:
        raise ConnectionResetError("gone")

    async with watching(runner) as watched:
        bad = Attachment(watched.feed, Viewer(credit=None), fail, lambda _: None)
        await watched.attach(good).finished()
        with pytest.raises(ConnectionResetError):
            await bad.finished()
    assert good.data == OUTPUT[:1000]


async def test_credit_is_kept_to_and_detach_stops_a_viewer() -> None:
    runner, reader = PlayedRunner(OUTPUT[:1000], ended=True), a_reader()
    async with watching(runner) as watched:
        attachment = watched.attach(reader, credit=250)
        await until(lambda: len(reader.data) >= 200)
        attachment.grant(100)
        await until(lambda: len(reader.data) == 350)
        await attachment.detach()
        await attachment.finished()
    assert attachment.cursor == 350
