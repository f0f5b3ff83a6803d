"""What goes to one client, one message after the other; no message waits anywhere else.

The awaited send is the back-pressure: who has something to say waits until the one before is
taken. So what is held for a client that does not read is one message for each that speaks to it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ccx_gateway.jsonrpc import dump, notification
from ccx_gateway.line_block import LineBlock
from ccx_gateway.text_frames import TextFrames

Message = bytes | TextFrames | LineBlock


class Outbox:
    def __init__(self, send: Callable[[Message], Awaitable[None]]) -> None:
        """`send` raises ConnectionError once the client is gone."""
        self._send, self._turn = send, asyncio.Lock()

    async def send(self, message: Message) -> None:
        await self._turn.acquire()  # for as often as it is done, `async with` is dear
        try:
            await self._send(message)
        finally:
            self._turn.release()

    async def notify(self, method: str, params: Mapping[str, Any]) -> None:
        await self.send(dump(notification(method, params)))
