import asyncio

from ccx_gateway.attachment import Attachment
from ccx_gateway.by_lines import send_by_lines
from ccx_gateway.feed import Feed
from ccx_gateway.jsonrpc import dump, notification
from ccx_gateway.line_block import LineBlock
from ccx_gateway.output_window import CAPACITY, Gap, Slice
from ccx_gateway.shared_frame import SharedFrame
from ccx_gateway.text_frames import TextFrames
from ccx_gateway.viewer import Viewer
from support.output_source import PlayedRunner, some_output

OUTPUT = some_output(CAPACITY * 2)
SHORT_LINES = b"x\n" * 100_000
"""Several blocks to a slice."""


def a_message(found: Slice) -> bytes:
    told = {"data": found.data.decode(), "offset": found.offset, "end": found.end}
    return dump(notification("process.output", told))


class Counting:
    """Viewers whose messages are the output itself."""

    def __init__(self, output: bytes = OUTPUT) -> None:
        self.feed = Feed(PlayedRunner(output, ended=True), self._failed)
        self.made = 0

    def _failed(self, reason: Exception) -> None:
        raise AssertionError from reason

    async def watch(self) -> tuple[int, bytes]:
        """How many messages were sent, and all of them together."""
        got: list[bytes] = []

        async def send(found: Slice | Gap) -> None:
            assert isinstance(found, Slice)
            got.append(self.feed.frame.of(found, self._make).data)

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


def test_blocks_of_one_slice_are_told_apart_by_where_they_begin() -> None:
    frame, found = SharedFrame[int](), Slice(0, "stdout", b"a\nb\n")
    assert [frame.of(found, lambda _: 1), frame.of(found, lambda _: 2, key=2)] == [1, 2]
    assert frame.of(found, lambda _: 3, key=2) == 2
