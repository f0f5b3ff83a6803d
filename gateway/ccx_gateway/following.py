"""One execution as one socket follows it, from its pod to its end.

status: a pod -> Feeds.attach() -> process.output, process.gap -> status: over -> process.completed

process.completed always comes, and after all output; a failure on the way is process.error.
"""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway import notifications
from ccx_gateway.by_lines import send_by_lines
from ccx_gateway.errors import ExecutionNotFound, GatewayError
from ccx_gateway.feeds import Attachment, Feeds, Gap, OffsetBeyondEndError, OutputLost, Slice
from ccx_gateway.jsonrpc import dump, notification
from ccx_gateway.metrics import Metrics
from ccx_gateway.outbox import Outbox
from ccx_gateway.output_mode import OutputMode
from ccx_gateway.watcher import Watcher, has_pod, is_over
from ccx_kube.errors import KubeError

log = logging.getLogger(__name__)

_TOLD: Final = (GatewayError, KubeError, OffsetBeyondEndError, OutputLost)
"""Errors whose text is fit for the client."""


class Following:
    """Nothing is sent before begin()."""

    def __init__(
        self,
        execution: ClaudeExecution,
        outbox: Outbox,
        *,
        watcher: Watcher,
        feeds: Feeds,
        metrics: Metrics,
        output: OutputMode,
        over: Callable[[], None],
    ) -> None:
        """`over` is called when the execution is, and before that is told."""
        self.execution = execution
        self._outbox, self._watcher, self._feeds = outbox, watcher, feeds
        self._metrics, self._output_mode, self._over = metrics, output, over
        self._attachment: Attachment | None = None
        self._begun, self._answered = asyncio.Event(), asyncio.Event()
        self._answered.set()
        self._unanswered = 0
        self._silent = False
        self._credit: int | None = None
        self.placed: asyncio.Future[ClaudeExecution] = asyncio.get_running_loop().create_future()
        """The execution once its output is being waited for: it has a pod, or is over."""

        self.task: asyncio.Task[None] | None = None

    def start(self, *, offset: int = 0, credit: int | None = None) -> None:
        self._credit = credit
        self.task = asyncio.create_task(self._run(offset))

    def begin(self) -> None:
        """What comes before the output has been told."""
        self._begun.set()

    def grant(self, count: int) -> None:
        if self._credit is None:
            return
        self._credit += count
        if self._attachment is not None:
            self._attachment.grant(count)

    async def detach(self) -> None:
        """Nothing more is told of it; where it counts, it does so until its end."""
        self._silent = True
        self._begun.set()
        if self._attachment is not None:
            await self._attachment.detach()

    async def end(self) -> None:
        """Nothing more happens here; the execution goes on without us."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])
        self._over()

    def control_begins(self) -> None:
        """Its answer goes before process.completed."""
        self._unanswered += 1
        self._answered.clear()

    def control_ends(self) -> None:
        self._unanswered -= 1
        if not self._unanswered:
            self._answered.set()

    async def _run(self, offset: int) -> None:
        try:
            await self._follow(offset)
        except ConnectionError:
            log.debug("the client is gone")
        except Exception as exc:
            if not isinstance(exc, _TOLD):
                log.exception("following an execution failed")
            await self._fail(exc)
        finally:
            if not self.placed.done():
                self.placed.cancel()

    async def _follow(self, offset: int) -> None:
        placed = await self._watcher.until(self.execution, has_pod)
        if placed.status.pod_name is not None and not self._silent:
            self._attach(placed.status.pod_name, offset)
        self.placed.set_result(placed)
        if self._attachment is not None:
            await self._output(self._attachment)
        over = await self._watcher.until(self.execution, is_over)
        self.execution = over
        await self._complete(notifications.completed(over))

    def _attach(self, pod: str, offset: int) -> None:
        metadata = self.execution.metadata
        self._attachment = self._feeds.attach(
            *(metadata.namespace, metadata.name, pod),
            offset=offset,
            credit=self._credit,
            send=self._send,
            send_tail=self._send_tail,
        )

    async def _output(self, attachment: Attachment) -> None:
        """It may end before the execution does, with an error or by detach()."""
        try:
            await attachment.finished()
        except _TOLD as exc:
            await self._error(str(exc))
        finally:
            await attachment.detach()

    async def _send(self, found: Slice | Gap) -> None:
        await self._begun.wait()
        assert self._attachment is not None
        if isinstance(found, Gap):
            await self._outbox.notify("process.gap", notifications.gap(self.execution, found))
        elif self._output_mode == "lines":
            shared = self._attachment.lines
            await send_by_lines(found, shared, self._frame, self._outbox.send)
        else:
            frame = self._attachment.frame.of(found, partial(self._frame, found))
            await self._outbox.send(frame)
        self._metrics.sent(found)

    async def _send_tail(self, data: bytes) -> None:
        await self._begun.wait()
        await self._outbox.notify("process.tail", notifications.tail(self.execution, data))

    def _frame(self, found: Slice) -> bytes:
        """The same for everybody who watches this execution."""
        told = notifications.output(self.execution, found)
        return dump(notification("process.output", told))

    async def _fail(self, exc: Exception) -> None:
        if not self.placed.done():
            self.placed.set_exception(exc)
            self.placed.exception()  # nobody may be waiting
        text = str(exc) if isinstance(exc, _TOLD) else "internal error"
        try:
            if not isinstance(exc, ExecutionNotFound):
                await self._error(text)
            told = notifications.completed(self.execution)
            await self._complete(told | {"status": "failed", "error": text})
        except ConnectionError:
            log.debug("the client is gone")

    async def _error(self, text: str) -> None:
        await self._begun.wait()
        if not self._silent:
            name = notifications.identity(self.execution)
            await self._outbox.notify("process.error", {"error": text, **name})

    async def _complete(self, told: notifications.Fields) -> None:
        await self._begun.wait()
        await self._answered.wait()
        self._over()
        if not self._silent:
            await self._outbox.notify("process.completed", told)
