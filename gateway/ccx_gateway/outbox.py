"""What goes to one client, one message after the other; no message waits anywhere else.

The awaited send is the back-pressure: who has something to say waits until the one before is
taken. So what is held for a client that does not read is one message for each that speaks to it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from ccx_gateway.at_once import Sent
from ccx_gateway.jsonrpc import dump, notification
from ccx_gateway.line_block import LineBlock
from ccx_gateway.stream_metrics import StreamMetrics
from ccx_gateway.text_frames import TextFrames

Message = bytes | TextFrames | LineBlock

_NOTHING: Final = TextFrames(b"")
"""It is taken when all that was sent before it is."""


class Wire(Protocol):
    """To one client: a FrameWriter."""

    async def send(self, message: Message) -> None:
        """Raise ConnectionError once the client is gone."""
        ...

    def send_at_once(self, message: TextFrames) -> Sent: ...


class Outbox:
    def __init__(
        self,
        wire: Wire,
        metrics: StreamMetrics,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wire, self._metrics, self._clock = wire, metrics, clock
        self._turn = asyncio.Lock()
        self._since: float | None = None

    @property
    def waited(self) -> float:
        """Seconds that the message now being sent has not been taken for."""
        return 0.0 if self._since is None else self._clock() - self._since

    async def send(self, message: Message) -> None:
        self._metrics.queued += 1
        try:
            await self._turn.acquire()  # for as often as it is done, `async with` is dear
            try:
                self._since = since = self._clock()
                await self._wire.send(message)
                self._metrics.took(self._clock() - since)
            finally:
                self._since = None
                self._turn.release()
        finally:
            self._metrics.queued -= 1

    def send_at_once(self, message: TextFrames) -> Sent:
        """NOT while something else is being sent."""
        if self._turn.locked():
            return Sent.NOT
        sent = self._wire.send_at_once(message)
        if sent is Sent.TAKEN:
            self._metrics.taken_at_once += 1
        return sent

    async def taken(self) -> None:
        """Wait for what was sent at once and is HELD."""
        await self.send(_NOTHING)

    async def notify(self, method: str, params: Mapping[str, Any]) -> None:
        await self.send(dump(notification(method, params)))
