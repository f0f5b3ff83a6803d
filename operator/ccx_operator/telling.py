"""Events are told beside the work, one at a time: people must not hold up what they read about.

transition -> tell() -> [at most 1,000] -> run() -> POST

As client-go's recorder has it: what does not find room is left out, counted and logged. The story
of one execution keeps its order.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

log = logging.getLogger(__name__)

ROOM: Final = 1000
POST_SECONDS: Final = 5.0

Post = Callable[[str, dict[str, Any]], Awaitable[None]]
"""Of a namespace and an Event's body."""


class Telling:
    def __init__(
        self, post: Post, count: Callable[[str], None], *, post_seconds: float = POST_SECONDS
    ) -> None:
        self._post, self._count, self._seconds = post, count, post_seconds
        self._waiting: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(ROOM)

    def tell(self, namespace: str, event: dict[str, Any]) -> None:
        try:
            self._waiting.put_nowait((namespace, event))
        except asyncio.QueueFull:
            self._count("LeaveOutEvent")
            log.warning("an Event is left out: %d wait already", ROOM)

    async def run(self) -> None:
        while True:
            namespace, event = await self._waiting.get()
            try:
                async with asyncio.timeout(self._seconds):
                    await self._post(namespace, event)
            except Exception:  # a namespace that takes no Events, or a server that is away
                log.warning("an Event was not posted", exc_info=True)
            self._count("PostEvent")
