import asyncio

from ccx_gateway.patience import Patience


async def test_it_is_over_once_a_message_has_not_been_taken_for_so_long() -> None:
    waits = iter([0.0, 0.009, 0.01])
    patience = Patience(lambda: next(waits), 0.01)
    async with asyncio.timeout(60):
        await patience.over
    assert list(waits) == []


async def test_what_has_come_to_its_end_before_is_never_over() -> None:
    patience = Patience(lambda: 1.0, 0.5)
    patience.end()
    assert patience.over.cancelled()
