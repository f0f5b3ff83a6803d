"""Who watches what: one feed for an execution's pod, from its first viewer to its last.

attach() -> Feed, new or known -> Attachment -> send(Slice | Gap) -> finished() | detach()
"""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Self

from ccx_gateway.at_once import AtOnce
from ccx_gateway.attachment import Attachment, SendTail
from ccx_gateway.feed import Feed, OffsetBeyondEndError
from ccx_gateway.give_way import GiveWay
from ccx_gateway.output_window import Gap, Slice
from ccx_gateway.stream_metrics import Place, StreamMetrics
from ccx_gateway.upstream import OpenLink, OutputLost, PodUpstream, Upstream
from ccx_gateway.viewer import MAX_NOTIFICATION, Viewer
from ccx_gateway.viewer_pump import Send
from ccx_kube.link import RunnerLink
from ccx_kube.session import KubeSession

__all__ = ["Attachment", "Feeds", "Gap", "OffsetBeyondEndError", "OutputLost", "Send", "Slice"]

UpstreamOf = Callable[[str, str, str], Upstream]
"""By namespace, execution and pod."""


class Feeds:
    """`async with Feeds(session) as feeds`. All that it has started is gone afterwards."""

    def __init__(
        self,
        session: KubeSession,
        open_link: OpenLink | None = None,
        *,
        metrics: StreamMetrics | None = None,
        upstream: UpstreamOf | None = None,
    ) -> None:
        """`open_link` for who wants to share the links: they are closed here.

        `upstream` for output that is no pod's.
        """
        open_link = open_link or partial(RunnerLink.open, session)
        self._upstream = upstream or (
            lambda namespace, name, pod: PodUpstream(session, namespace, name, pod, open_link)
        )
        self.way = GiveWay()
        """Held, no feed takes more in."""

        self._metrics = metrics or StreamMetrics()
        self._metrics.lags, self._metrics.windows = self._lags, self._windows
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __len__(self) -> int:
        """How many executions are watched."""
        return len(self._watched)

    def attach(
        self,
        namespace: str,
        name: str,
        pod: str,
        *,
        offset: int | None = 0,
        credit: int | None = None,
        max_bytes: int = MAX_NOTIFICATION,
        send: Send,
        at_once: AtOnce | None = None,
        send_tail: SendTail | None = None,
    ) -> Attachment:
        """Send the output of that pod from `offset` on, each byte once or as part of a gap.
        None is where it has come to.

        The pod need not run yet: it is asked again and again, and the runner waits at its end for
        readers that it has. What came and went before that is taken from the pod's log if that is
        exact, or a gap; who has had a gap may be sent the end of a log that is not exact, last of
        all. `send` is awaited, one call at a time, with `max_bytes` at most, where `at_once` cannot
        send it. No credit is no limit.
        """
        key = (namespace, pod)
        watched = self._watched.get(key)
        if watched is None:
            watched = self._watched[key] = _Watched(
                self._upstream(namespace, name, pod), self._metrics, self.way
            )

        def left(attachment: Attachment) -> None:
            watched.attachments.discard(attachment)
            if not watched.attachments and self._watched.get(key) is watched:
                del self._watched[key]
                self._close_later(watched.feed)

        viewer, from_now = Viewer(offset or 0, credit, max_bytes=max_bytes), offset is None
        attachment = Attachment(
            *(watched.feed, viewer, send, left, send_tail), at_once=at_once, from_now=from_now
        )
        watched.attachments.add(attachment)
        return attachment

    async def close(self) -> None:
        for watched in list(self._watched.values()):
            for attachment in list(watched.attachments):
                await attachment.detach()
        await asyncio.sleep(0)  # what they do at their end has its turn
        if self._closing:
            await asyncio.wait(self._closing)

    def _lags(self) -> Iterator[tuple[Place, int]]:
        return chain.from_iterable(watched.feed.lags() for watched in self._watched.values())

    def _windows(self) -> Iterator[int]:
        return (len(watched.feed.window) for watched in self._watched.values())

    def _close_later(self, feed: Feed) -> None:
        task = asyncio.create_task(feed.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


class _Watched:
    def __init__(self, upstream: Upstream, metrics: StreamMetrics, way: GiveWay) -> None:
        self.attachments: set[Attachment] = set()
        self.feed = Feed(upstream, self._failed, metrics, way)

    def _failed(self, reason: Exception) -> None:
        for attachment in list(self.attachments):
            attachment.fail(reason)
