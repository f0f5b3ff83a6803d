import asyncio
from functools import partial

from ccx_gateway.attachment import Attachment
from ccx_gateway.by_lines import send_by_lines
from ccx_gateway.feed import Feed
from ccx_gateway.jsonrpc import dump, notification
from ccx_gateway.line_block import LineBlock
from ccx_gateway.output_window import CAPACITY, ENOUGH, Gap, Slice
from ccx_gateway.shared_frame import KEPT, SharedFrame
from ccx_gateway.text_frames import TextFrames
from ccx_gateway.viewer import Viewer
from support.output_source import PIECE, PlayedRunner, some_output

OUTPUT = some_output(CAPACITY * 2)
SHORT_LINES = b"x\n" * 100_000
"""Several blocks to a slice."""


SIZE = KEPT // 8
SLICES = [Slice(n * SIZE, "stdout", bytes([n]) * SIZE) for n in range(20)]


def noted(made: list[int], found: Slice) -> bytes:
    made.append(found.offset // SIZE)
    return found.data


def a_message(found: Slice) -> bytes:
    told = {"data": found.data.decode(), "offset": found.offset, "end": found.end}
    return dump(notification("process.output", told))


class Counting:
    """Viewers whose messages are the output itself."""

    def __init__(self, output: bytes = OUTPUT, piece: int = PIECE) -> None:
        self.feed = Feed(PlayedRunner(output, ended=True, piece=piece), self._failed)
        self.made = 0

    def _failed(self, reason: Exception) -> None:
        raise AssertionError from reason

    async def watch(self, *, turns: int = 0) -> tuple[int, bytes]:
        """How many messages were sent, and all of them together. Each takes so many turns."""
        got: list[bytes] = []

        async def send(found: Slice | Gap) -> None:
            assert isinstance(found, Slice)
            got.append(self.feed.frame.of(found, self._make).data)
            for _ in range(turns):
                await asyncio.sleep(0)

        await Attachment(self.feed, Viewer(credit=None), send, lambda _: None).finished()
        return len(got), b"".join(got)

    async def watch_by_lines(self, got: list[LineBlock]) -> None:
        async def send(found: Slice | Gap) -> None:
            assert isinstance(found, Slice)
            await send_by_lines(found, self.feed.lines, a_message, take)

        async def take(block: LineBlock) -> None:
            got.append(block)

        await Attachment(self.feed, Viewer(credit=None), send, lambda _: None).finished()

    def _make(self, found: Slice) -> TextFrames:
        self.made += 1
        return TextFrames(found.data)


async def test_for_viewers_that_go_along_with_each_other_a_message_is_made_once() -> None:
    counting = Counting()
    async with asyncio.timeout(60):
        watched = await asyncio.gather(*(counting.watch() for _ in range(3)))
        await counting.feed.close()
    assert {output for _, output in watched} == {OUTPUT}
    assert {sent for sent, _ in watched} == {counting.made}


async def test_for_one_that_is_slower_nothing_is_made_again_while_he_is_near() -> None:
    counting = Counting(some_output(KEPT // 2), piece=ENOUGH + 1000)
    async with asyncio.timeout(20):
        (fast, _), (slow, _) = await asyncio.gather(counting.watch(), counting.watch(turns=3))
        await counting.feed.close()
    assert fast == slow == counting.made


async def test_viewers_by_lines_share_the_blocks_also_beside_one_by_chunks() -> None:
    counting, got = Counting(SHORT_LINES), [list[LineBlock]() for _ in range(3)]
    async with asyncio.timeout(60):
        watching = [counting.watch_by_lines(blocks) for blocks in got]
        await asyncio.gather(*watching, counting.watch())
        await counting.feed.close()
    assert len({len(blocks) for blocks in got}) == 1
    for blocks in zip(*got, strict=True):
        assert blocks[0] is blocks[1] is blocks[2]


def test_who_is_elsewhere_gets_the_message_of_his_own_slice() -> None:
    frame = SharedFrame[bytes]()
    here, there = Slice(0, "stdout", b"a\n"), Slice(2, "stdout", b"b\n")
    for found in (here, here, there, here):
        assert frame.of(found, lambda that: that.data) == found.data


def test_what_nobody_has_yet_to_come_past_is_not_held() -> None:
    frame, made = SharedFrame[bytes](lambda _: None), list[int]()
    for found in (SLICES[0], SLICES[1], SLICES[0]):
        frame.of(found, partial(noted, made))
    assert made == [0, 1, 0]


def test_who_is_a_little_behind_shares_what_was_made_for_those_before_him() -> None:
    frame, made = SharedFrame[bytes](lambda _: 0), list[int]()
    for found in (*SLICES[:4], *SLICES[:4]):
        frame.of(found, partial(noted, made))
    assert made == [0, 1, 2, 3]


def test_what_all_have_come_past_is_not_held_either() -> None:
    last, made = [0], list[int]()
    frame = SharedFrame[bytes](lambda _: last[0])
    for found in SLICES[:3]:
        frame.of(found, partial(noted, made))
    last[0] = SLICES[2].offset
    for found in (SLICES[3], SLICES[2], SLICES[1]):
        frame.of(found, partial(noted, made))
    assert made == [0, 1, 2, 3, 1]


def test_of_what_somebody_has_yet_to_come_past_only_so_much_is_held() -> None:
    frame, made = SharedFrame[bytes](lambda _: 0), list[int]()
    for found in SLICES:
        frame.of(found, partial(noted, made))
    newest = [*reversed(SLICES)][: KEPT // SIZE]
    assert sum(len(found.data) for found in newest) == KEPT
    for found in newest:
        frame.of(found, partial(noted, made))
    assert made == [*range(len(SLICES))]
    frame.of(SLICES[0], partial(noted, made))
    assert made[-1] == 0, "it was let go long ago"


def test_blocks_of_one_slice_are_told_apart_by_where_they_begin() -> None:
    frame, found = SharedFrame[int](), Slice(0, "stdout", b"a\nb\n")
    assert [frame.of(found, lambda _: 1), frame.of(found, lambda _: 2, key=2)] == [1, 2]
    assert frame.of(found, lambda _: 3, key=2) == 2
