"""One execution as one socket follows it, from its pod to its end.

status: a pod -> Feeds.attach() -> process.output, process.gap -> status: over -> process.completed
             └── the next attempt's <- process.started ──┘

process.completed always comes, and after all output; a failure on the way is process.error.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway import notifications
from ccx_gateway.beginning import Beginning
from ccx_gateway.errors import ExecutionFinished, ExecutionNotFound, GatewayError
from ccx_gateway.feeds import Attachment, Feeds, Gap, OffsetBeyondEndError, OutputLost
from ccx_gateway.metrics import Metrics
from ccx_gateway.outbox import Outbox
from ccx_gateway.output_sender import OutputSender
from ccx_gateway.place import Place, attempt_of, missed
from ccx_gateway.view import View
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
        beginning: Beginning,
        feeds: Feeds,
        metrics: Metrics,
        over: Callable[[], None],
    ) -> None:
        """`over` is called when the execution is, and before that is told."""
        self.execution = execution
        self._outbox, self._watcher, self._feeds = outbox, watcher, feeds
        self._beginning = beginning
        self._metrics, self._over = metrics, over
        self._view = View()
        self._attachment: Attachment | None = None
        self._attempt = self._started = 0
        self._begun, self._answered = asyncio.Event(), asyncio.Event()
        self._answered.set()
        self._unanswered = 0
        self._silent = False
        self.placed: asyncio.Future[ClaudeExecution] = asyncio.get_running_loop().create_future()
        """The execution once its output is being waited for: it has a pod, or is over."""

        self.task: asyncio.Task[None] | None = None

    def start(self, place: Place, view: View, *, told: bool = True) -> None:
        """`told`: that the attempt which `place` is in has started is no news to the client."""
        self._view = view
        if told:
            self._started = place.attempt
        self.task = asyncio.create_task(self._run(place))

    def begin(self, *, attempt: int = 0) -> None:
        """What comes before the output has been told, and that this attempt has started."""
        self._started = max(self._started, attempt)
        self._begun.set()

    def grant(self, count: int) -> None:
        if self._view.credit is None:
            return
        self._view = replace(self._view, credit=self._view.credit + count)
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

    async def _run(self, place: Place) -> None:
        try:
            await self._follow(place)
        except ConnectionError:
            log.debug("the client is gone")
        except Exception as exc:
            if not isinstance(exc, _TOLD):
                log.exception("following an execution failed")
            await self._fail(exc)
        finally:
            if not self.placed.done():
                self.placed.cancel()

    async def _follow(self, place: Place) -> None:
        """One attempt after the other. What is before `place` is of no interest any more."""
        now = await self._watcher.until(self.execution, has_pod)
        is_told = attempt_of(now) == place.attempt == self._started
        if is_told:
            self._attach(now, place.offset)
        self.placed.set_result(now)
        if is_told:
            await self._output()
            place = Place(place.attempt + 1)
        while True:
            now = await self._watcher.until(self.execution, partial(_ends_or_goes_on, place))
            if attempt_of(now) < place.attempt or now.status.pod_name is None:
                break
            await self._go_on(place, now)
            place = Place(attempt_of(now) + 1)
        self.execution = now
        await self._complete(notifications.completed(now))

    async def _go_on(self, place: Place, now: ClaudeExecution) -> None:
        """With a later attempt. Its output waits until it is told that this one has started."""
        await self._begun.wait()
        await self._tell_missed(missed(place, now), place)
        self._begun.clear()
        try:
            self._attach(now, 0)
            await self._tell_start(now)
        finally:
            self._begun.set()
        await self._output()

    async def _tell_missed(self, found: Gap | str | None, place: Place) -> None:
        if isinstance(found, str):
            await self._error(found)
        elif found is not None and not self._silent:
            told = notifications.gap(self.execution, found, place.attempt)
            await self._outbox.notify("process.gap", told)
            self._metrics.stream.sent(found)

    async def _tell_start(self, now: ClaudeExecution) -> None:
        """Not that of a later one, where this one never had a process."""
        attempt = attempt_of(now)
        if self._silent or self._started >= attempt:
            return
        try:
            process = await self._beginning.of(now)
        except ExecutionFinished:
            return
        if process.attempt == attempt and not self._silent:
            told = notifications.started(self.execution, process)
            await self._outbox.notify("process.started", told)

    def _attach(self, now: ClaudeExecution, offset: int | None) -> None:
        """Where it has a pod, and its output is wanted."""
        metadata, pod, view = now.metadata, now.status.pod_name, self._view
        if pod is None or self._silent:
            return
        self._attempt = attempt_of(now)
        sender = OutputSender(
            *(self.execution, self._attempt, view),
            outbox=self._outbox,
            begun=self._begun,
            metrics=self._metrics.stream,
        )
        self._attachment = sender.shared = self._feeds.attach(
            *(metadata.namespace, metadata.name, pod),
            offset=offset,
            credit=view.credit,
            max_bytes=view.most_at_once,
            send=sender.send,
            at_once=sender if view.is_text_by_chunks else None,
            send_tail=self._send_tail,
        )

    async def _output(self) -> None:
        """It may end before the attempt does, with an error or by detach()."""
        attachment = self._attachment
        if attachment is None:
            return
        try:
            await attachment.finished()
        except _TOLD as exc:
            await self._error(str(exc))
        finally:
            await attachment.detach()
            self._view = replace(self._view, credit=attachment.credit)
            self._attachment = None

    async def _send_tail(self, data: bytes) -> None:
        await self._begun.wait()
        told = notifications.tail(self.execution, data, self._attempt)
        await self._outbox.notify("process.tail", told)

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


def _ends_or_goes_on(place: Place, execution: ClaudeExecution) -> bool:
    has_pod_of_it = attempt_of(execution) >= place.attempt and has_pod(execution)
    return has_pod_of_it or is_over(execution)
