import asyncio
from functools import partial

from ccx_gateway.attachment import Attachment
from ccx_gateway.feed import Feed
from ccx_gateway.output_window import CAPACITY, Gap, Slice
from ccx_gateway.shared_frame import SharedFrame
from ccx_gateway.viewer import Viewer
from support.output_source import PlayedRunner, some_output

OUTPUT = some_output(CAPACITY * 2)


class Counting:
    """Viewers whose messages are the output itself."""

    def __init__(self) -> None:
        self.feed = Feed(PlayedRunner(OUTPUT, ended=True), self._failed)
        self.made = 0

    def _failed(self, reason: Exception) -> None:
        raise AssertionError from reason

    async def watch(self) -> tuple[int, bytes]:
        """How many messages were sent, and all of them together."""
        got: list[bytes] = []

        async def send(found: Slice | Gap) -> None:
            assert isinstance(found, Slice)
            got.append(self.feed.frame.of(found, lambda: self._make(found)))

        await Attachment(self.feed, Viewer(credit=None), send, lambda _: None).finished()
        return len(got), b"".join(got)

    def _make(self, found: Slice) -> bytes:
        self.made += 1
        return found.data


async def test_for_viewers_that_go_along_with_each_other_a_message_is_made_once() -> None:
    counting = Counting()
    async with asyncio.timeout(20):
        watched = await asyncio.gather(*(counting.watch() for _ in range(3)))
        await counting.feed.close()
    assert {output for _, output in watched} == {OUTPUT}
    assert {sent for sent, _ in watched} == {counting.made}


def test_who_is_elsewhere_gets_the_message_of_his_own_slice() -> None:
    frame, here, there = SharedFrame(), Slice(0, "stdout", b"a\n"), Slice(2, "stdout", b"b\n")
    for found in (here, here, there, here):
        assert frame.of(found, partial(bytes, found.data)) == found.data
