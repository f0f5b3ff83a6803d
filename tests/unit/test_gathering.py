import asyncio

import pytest

from ccx_gateway.attachment import Attachment
from ccx_gateway.feed import Feed
from ccx_gateway.gathering import MANY, MOST, gathers
from ccx_gateway.output_window import ENOUGH
from ccx_gateway.viewer import BLOCK, Viewer
from ccx_kube.link import End, Gap, Item, Output
from ccx_runner.frames import Stream
from support.output_source import PlayedRunner, Reader, a_reader, some_output

PIECE = 64_000
OUTPUT = some_output(20 * PIECE)


def a_piece(size: int) -> Output:
    return Output(0, Stream.STDOUT, bytes(size))


def a_feed(runner: PlayedRunner) -> Feed:
    def failed(reason: Exception) -> None:
        raise AssertionError from reason

    return Feed(runner, failed)


def attached(feed: Feed, clients: int) -> tuple[list[Reader], list[Attachment]]:
    readers = [a_reader() for _ in range(clients)]
    viewers = (Viewer(credit=None, max_bytes=BLOCK) for _ in readers)
    return readers, [
        Attachment(feed, viewer, reader.send, lambda _: None)
        for viewer, reader in zip(viewers, readers, strict=True)
    ]


@pytest.mark.parametrize(
    ("clients", "messages"),
    [
        pytest.param(MANY - 1, range(20, 21), id="a few clients are sent each piece as it came"),
        pytest.param(MANY, range(5, 10), id="many are sent what is here together"),
    ],
)
async def test_in_how_many_messages_a_full_stream_is_sent(clients: int, messages: range) -> None:
    feed = a_feed(PlayedRunner(OUTPUT, piece=PIECE, ended=True))
    readers, attachments = attached(feed, clients)
    async with asyncio.timeout(20):
        await asyncio.gather(*(attachment.finished() for attachment in attachments))
        await feed.close()
    for reader in readers:
        assert reader.data == OUTPUT
        reader.assert_in_order(0, len(OUTPUT))
        assert len(reader.got) in messages


@pytest.mark.parametrize(
    ("item", "clients", "gathered"),
    [
        pytest.param(a_piece(ENOUGH - 1), MANY, 0, id="a piece that is not full"),
        pytest.param(a_piece(ENOUGH), MANY - 1, 0, id="few clients"),
        pytest.param(a_piece(ENOUGH), MANY, MOST - ENOUGH + 1, id="enough for one write is here"),
        pytest.param(Gap(0, MOST), MANY, 0, id="a gap"),
        pytest.param(End(0), MANY, 0, id="the end"),
    ],
)
def test_what_is_sent_at_once(item: Item, clients: int, gathered: int) -> None:
    assert gathers(a_piece(ENOUGH), MANY, 0)
    assert not gathers(item, clients, gathered)
