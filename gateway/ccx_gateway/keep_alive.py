"""A sign of life to one client: pongs to its pings, and a ping after a while without.

pinged(), or a timer -> a task for as long as it takes to send -> the timer again

A client that does not read holds up that task, and no call. An idle one costs a timer alone.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

PING_SECONDS: Final = 20.0


class KeepAlive:
    def __init__(
        self,
        ping: Callable[[], Awaitable[None]],
        pong: Callable[[bytes], Awaitable[None]],
        *,
        seconds: float = PING_SECONDS,
    ) -> None:
        """Both raise ConnectionError once the client is gone: then nothing more is sent."""
        self._ping, self._pong, self._seconds = ping, pong, seconds
        self._asked: bytes | None = None
        self._sending: asyncio.Task[None] | None = None
        self._timer = self._later()

    def pinged(self, data: bytes) -> None:
        """Of pings that come while one is being answered, the newest is."""
        self._asked = data
        self._send()

    def end(self) -> tuple["asyncio.Task[None]", ...]:
        """What is to be cancelled and waited for."""
        self._timer.cancel()
        return () if self._sending is None else (self._sending,)

    def _later(self) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(self._seconds, self._send)

    def _send(self) -> None:
        if self._sending is None or self._sending.done():
            self._timer.cancel()
            self._sending = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        with suppress(ConnectionError):
            if self._asked is None:
                await self._ping()
            while self._asked is not None:
                asked, self._asked = self._asked, None
                await self._pong(asked)
            self._timer = self._later()
