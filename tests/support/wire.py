"""A client's place at the end of an Outbox."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ccx_gateway.at_once import Sent
from ccx_gateway.outbox import Message
from ccx_gateway.text_frames import TextFrames


@dataclass
class AWire:
    send_on: Callable[[Message], Awaitable[None]]

    async def send(self, message: Message) -> None:
        await self.send_on(message)

    def send_at_once(self, message: TextFrames) -> Sent:
        del message
        return Sent.NOT
