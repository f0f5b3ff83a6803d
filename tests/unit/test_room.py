import asyncio

import pytest

from ccx_gateway.room import Room, size_of


async def enters(room: Room, size: int) -> bool:
    """Whether there is room at once."""
    entering = asyncio.create_task(room.enter(size))
    await asyncio.sleep(0)
    entering.cancel()
    await asyncio.wait([entering])
    return not entering.cancelled()


@pytest.mark.parametrize(
    ("inside", "size", "fits"),
    [
        ([], 10, True),
        ([4, 4], 2, True),
        ([4, 4], 3, False),
        ([1, 1, 1], 1, False),  # no more than three, however small
        ([], 99, True),  # larger than the room: alone
        ([1], 99, False),
        ([99], 1, False),
    ],
)
async def test_frames_are_bounded_in_number_and_in_bytes(
    inside: list[int], size: int, fits: bool
) -> None:
    room = Room(frames=3, size=10)
    for other in inside:
        await room.enter(other)
    assert await enters(room, size) is fits


async def test_who_waits_enters_as_soon_as_enough_have_left() -> None:
    room = Room(frames=3, size=10)
    for size in (4, 4):
        await room.enter(size)
    waiting = asyncio.create_task(room.enter(6))
    await asyncio.sleep(0)
    assert not waiting.done()
    room.leave(4)
    async with asyncio.timeout(60):
        await waiting
    assert not await enters(room, 1)


def test_the_size_of_a_text_is_what_it_takes_in_memory() -> None:
    assert 1000 <= size_of("x" * 1000) < 1100
    assert 4000 <= size_of("x" * 999 + "\U0001f600") < 4200
