"""Who watches what: one feed for an execution's pod, from its first viewer to its last.

attach() -> Feed, new or known -> Attachment -> send(Slice | Gap) -> finished() | detach()
"""

import asyncio
from functools import partial
from typing import Self

from ccx_gateway.attachment import Attachment, SendTail
from ccx_gateway.feed import Feed, OffsetBeyondEndError
from ccx_gateway.output_window import Gap, Slice
from ccx_gateway.upstream import OpenLink, OutputLost, PodUpstream, Upstream
from ccx_gateway.viewer import Viewer
from ccx_gateway.viewer_pump import Send
from ccx_kube.link import RunnerLink
from ccx_kube.session import KubeSession

__all__ = ["Attachment", "Feeds", "Gap", "OffsetBeyondEndError", "OutputLost", "Send", "Slice"]


class Feeds:
    """`async with Feeds(session) as feeds`. All that it has started is gone afterwards."""

    def __init__(self, session: KubeSession, open_link: OpenLink | None = None) -> None:
        """`open_link` for who wants to share the links: they are closed here."""
        self._session = session
        self._open_link = open_link or partial(RunnerLink.open, session)
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
        offset: int = 0,
        credit: int | None = None,
        send: Send,
        send_tail: SendTail | None = None,
    ) -> Attachment:
        """Send the output of that pod from `offset` on, each byte once or as part of a gap.

        The pod need not run yet: it is asked again and again, and the runner waits at its end for
        readers that it has. What came and went before that is taken from the pod's log if that is
        exact, or a gap; who has had a gap may be sent the end of a log that is not exact, last of
        all. `send` is awaited, one call at a time. No credit is no limit.
        """
        key = (namespace, pod)
        watched = self._watched.get(key)
        if watched is None:
            watched = self._watched[key] = _Watched(
                PodUpstream(self._session, namespace, name, pod, self._open_link)
            )

        def left(attachment: Attachment) -> None:
            watched.attachments.discard(attachment)
            if not watched.attachments and self._watched.get(key) is watched:
                del self._watched[key]
                self._close_later(watched.feed)

        attachment = Attachment(watched.feed, Viewer(offset, credit), send, left, send_tail)
        watched.attachments.add(attachment)
        return attachment

    async def close(self) -> None:
        for watched in list(self._watched.values()):
            for attachment in list(watched.attachments):
                await attachment.detach()
        await asyncio.sleep(0)  # what they do at their end has its turn
        if self._closing:
            await asyncio.wait(self._closing)

    def _close_later(self, feed: Feed) -> None:
        task = asyncio.create_task(feed.close())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


class _Watched:
    def __init__(self, upstream: Upstream) -> None:
        self.attachments: set[Attachment] = set()
        self.feed = Feed(upstream, self._failed)

    def _failed(self, reason: Exception) -> None:
        for attachment in list(self.attachments):
            attachment.fail(reason)
