"""One execution's output to one client, in the form that it asked for.

ViewerPump -> send(), or send_at_once() where nothing is in the way -> Outbox
"""

import asyncio

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway import notifications
from ccx_gateway.around_text import AroundText
from ccx_gateway.at_once import Sent
from ccx_gateway.attachment import Attachment
from ccx_gateway.by_lines import send_by_lines
from ccx_gateway.chunk_block import chunk_block
from ccx_gateway.jsonrpc import dump, notification
from ccx_gateway.outbox import Outbox
from ccx_gateway.output_window import Gap, Slice
from ccx_gateway.stream_metrics import StreamMetrics
from ccx_gateway.text_frames import TextFrames
from ccx_gateway.view import View


class OutputSender:
    """Of one attempt."""

    def __init__(
        self,
        execution: ClaudeExecution,
        attempt: int,
        view: View,
        *,
        outbox: Outbox,
        begun: asyncio.Event,
        metrics: StreamMetrics,
    ) -> None:
        """Nothing is sent before `begun`."""
        self._execution, self._attempt, self._view = execution, attempt, view
        self._outbox, self._begun, self._metrics = outbox, begun, metrics
        self._around = AroundText(self._message)
        self.shared: Attachment | None = None
        """What is encoded once for all who are attached to this execution."""

    async def send(self, found: Slice | Gap) -> None:
        if not self._begun.is_set():
            await self._begun.wait()
        if isinstance(found, Gap):
            told = notifications.gap(self._execution, found, self._attempt)
            await self._outbox.notify("process.gap", told)
        else:
            await self._send_slice(found)
        self._metrics.sent(found)

    def send_at_once(self, found: Slice) -> Sent:
        """Only text by chunks."""
        if not self._begun.is_set():
            return Sent.NOT
        return self._outbox.send_at_once(self._text(found))

    async def taken(self) -> None:
        await self._outbox.taken()

    async def _send_slice(self, found: Slice) -> None:
        view, outbox = self._view, self._outbox
        assert self.shared is not None
        if view.mode == "lines":
            await send_by_lines(found, self.shared.lines, self._message, outbox.send)
        elif view.encoding == "base64":
            await outbox.send(self.shared.binary.of(found, self._message))
        else:
            await outbox.send(self._text(found))

    def _text(self, found: Slice) -> TextFrames:
        assert self.shared is not None
        return self.shared.frame.of(found, self._chunk_block, key=self._view.max_bytes)

    def _chunk_block(self, found: Slice) -> TextFrames:
        return chunk_block(found, self._view.max_bytes, self._around)

    def _message(self, found: Slice) -> bytes:
        """The same for everybody who watches this execution in that encoding."""
        encoding = self._view.encoding
        told = notifications.output(self._execution, found, self._attempt, encoding)
        return dump(notification("process.output", told))
