"""Send a slice line by line, in blocks that those share who go along with each other."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from ccx_gateway.around_text import Tell
from ccx_gateway.line_block import LineBlock, line_block
from ccx_gateway.output_window import Slice
from ccx_gateway.shared_frame import SharedFrame


async def send_by_lines(
    found: Slice,
    shared: SharedFrame[LineBlock],
    tell: Tell,
    send: Callable[[LineBlock], Awaitable[None]],
) -> None:
    place = 0
    while place < len(found.data):
        block = shared.of(found, partial(line_block, start=place, tell=tell), key=place)
        await send(block)
        place = block.end
        await asyncio.sleep(0)  # side by side, as the pumps go
