"""One viewer at one execution's output, from attach() to its end."""

import asyncio
from collections.abc import Awaitable, Callable

from ccx_gateway.at_once import AtOnce
from ccx_gateway.feed import Feed
from ccx_gateway.output_window import Gap, Slice
from ccx_gateway.viewer import Viewer
from ccx_gateway.viewer_pump import Send, ViewerPump

SendTail = Callable[[bytes], Awaitable[None]]


class Attachment:
    def __init__(
        self,
        feed: Feed,
        viewer: Viewer,
        send: Send,
        left: Callable[["Attachment"], None],
        send_tail: SendTail | None = None,
        *,
        at_once: AtOnce | None = None,
        from_now: bool = False,
    ) -> None:
        """`left` is called once, when nothing more is sent. `from_now`: not from the cursor."""
        self._feed, self._left, self._from_now = feed, left, from_now
        self.frame, self.binary, self.lines = feed.frame, feed.binary, feed.lines
        """Of all who are attached to this execution: text, base64, and line by line."""

        self._send_on, self._send_tail = send, send_tail
        self._has_missed = False
        self._failure: Exception | None = None
        self._pump = ViewerPump(
            *(feed.window, viewer),
            read_spool=feed.read_spool,
            send=self._send,
            at_once=at_once,
            moved=feed.moved,
        )
        if not from_now:  # who has no place yet has no say in where the feed begins
            feed.pumps.add(self._pump)
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._has_ended)

    @property
    def cursor(self) -> int:
        """The offset of the next byte to be sent."""
        return self._pump.viewer.cursor

    @property
    def credit(self) -> int | None:
        """Bytes that may still be sent. None is no limit."""
        return self._pump.viewer.credit

    def grant(self, count: int) -> None:
        """So many more bytes may be sent."""
        self._pump.grant(count)

    async def finished(self) -> None:
        """Return when all output has been sent, or after detach().

        Raises OffsetBeyondEndError, OutputLost, LinkRefused with the runner's words, or what
        send() raised.
        """
        await asyncio.wait([self._task])
        if self._failure is not None:
            raise self._failure
        if not self._task.cancelled():
            self._task.result()

    async def detach(self) -> None:
        """Nothing is sent afterwards."""
        self._task.cancel()
        await asyncio.wait([self._task])

    def fail(self, reason: Exception) -> None:
        if not self._task.done():
            self._failure = reason
            self._task.cancel()

    async def _run(self) -> None:
        if self._from_now:
            self._pump.viewer.cursor = await self._feed.now()
            self._feed.pumps.add(self._pump)
            self._feed.moved()
        else:
            await self._feed.reaches(self.cursor)
        await self._pump.run()
        if self._has_missed and self._feed.tail and self._send_tail is not None:
            await self._send_tail(self._feed.tail)

    async def _send(self, found: Slice | Gap) -> None:
        self._has_missed |= isinstance(found, Gap)
        await self._send_on(found)

    def _has_ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled():
            task.exception()  # finished() raises it to who wants to know
        self._feed.pumps.discard(self._pump)
        self._feed.moved()
        self._left(self)
