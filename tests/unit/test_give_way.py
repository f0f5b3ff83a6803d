import asyncio

import pytest

from ccx_gateway.attachment import Attachment
from ccx_gateway.feed import Feed
from ccx_gateway.give_way import AT_ONCE, SAVED, SHARE, Allowance, GiveWay
from ccx_gateway.output_window import CAPACITY
from ccx_gateway.viewer import Viewer
from support.links import until
from support.output_source import PlayedRunner, Reader, a_reader, some_output

OUTPUT = some_output(CAPACITY * 2)


def spent(allowance: Allowance, *, until: float, each: float, every: float) -> float:
    """Seconds for which streams were held by controls of `each` seconds, one `every` so many."""
    held, now = 0.0, 0.0
    while now < until:
        seconds = max(0.0, min(each, allowance.left(now)))
        allowance.used(seconds)
        held += seconds
        now += every
    return held


@pytest.mark.parametrize(
    ("each", "every", "held"),
    [
        pytest.param(0.02, 1.0, 0.02 * 60, id="now and then: for as long as it takes"),
        pytest.param(5.0, 10.0, AT_ONCE * 6, id="a slow one does not hold them to its end"),
        pytest.param(0.1, 0.1, SAVED + SHARE * 60, id="without end: a share of the time"),
    ],
)
def test_how_long_controls_hold_the_streams_in_a_minute(
    each: float, every: float, held: float
) -> None:
    found = spent(Allowance(), until=60, each=each, every=every)
    assert found == pytest.approx(held, abs=AT_ONCE)


async def test_streams_are_held_while_any_control_is_carried_out() -> None:
    way = GiveWay()
    assert not way.is_held
    with way.first():
        with way.first():
            assert way.is_held
        assert way.is_held
    assert not way.is_held


async def test_a_control_that_takes_its_time_holds_nobody_for_it() -> None:
    way = GiveWay()
    with way.first():
        async with asyncio.timeout(30):
            await way.free()
        assert not way.is_held
        with way.first():  # as the first one is still under way
            assert not way.is_held


async def test_a_control_that_fails_lets_go() -> None:
    way = GiveWay()
    with pytest.raises(RuntimeError), way.first():
        raise RuntimeError
    assert not way.is_held


def a_feed(way: GiveWay) -> Feed:
    def failed(reason: Exception) -> None:
        raise AssertionError from reason

    return Feed(PlayedRunner(OUTPUT, ended=True), failed, way=way)


def attached(feed: Feed, reader: Reader) -> Attachment:
    return Attachment(feed, Viewer(credit=None), reader.send, lambda _: None)


async def some_turns() -> None:
    for _ in range(100):
        await asyncio.sleep(0)


async def test_a_feed_takes_nothing_in_meanwhile_and_loses_nothing() -> None:
    way, reader = GiveWay(Allowance(at_once=60, saved=60)), a_reader()
    feed = a_feed(way)
    attachment = attached(feed, reader)
    async with asyncio.timeout(30):
        with way.first():
            await until(lambda: feed.window.end > 0)
            taken = feed.window.end
            await some_turns()
            assert feed.window.end == taken < len(OUTPUT)
        await attachment.finished()
        await feed.close()
    assert reader.data == OUTPUT


async def test_nor_does_who_reads_the_spool() -> None:
    way, fast, stalled = (
        GiveWay(Allowance(at_once=60, saved=60)),
        a_reader(),
        a_reader(stalled=True),
    )
    feed = a_feed(way)
    behind = attached(feed, stalled)
    async with asyncio.timeout(30):
        await attached(feed, fast).finished()
        with way.first():
            stalled.reads.set()
            await some_turns()
            assert len(stalled.got) <= 1  # which had been on its way
        await behind.finished()
        await feed.close()
    assert (fast.data, stalled.data) == (OUTPUT, OUTPUT)
