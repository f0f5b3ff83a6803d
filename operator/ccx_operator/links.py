"""Runner links, at most one for an execution, opened when needed and closed when idle.

    Look, Deliver -> Links -> RunnerLink -> snapshots pushed later -> heard()

An open link costs the API server a megabyte: IDLE_SECONDS after the last use it goes, and with
more than MOST of them open the one that was used longest ago.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from ccx_api.snapshot import Snapshot
from ccx_api.wish import Wish
from ccx_operator.actions import Verb

log = logging.getLogger(__name__)

IDLE_SECONDS: Final = 10.0
OPENING: Final = 16
"""How many are opened at a time: each is a new process in a pod."""

MOST: Final = 64


class Link(Protocol):
    @property
    def snapshot(self) -> Snapshot: ...
    async def pause(self, wish: Wish | None = None) -> Snapshot: ...
    async def resume(self, wish: Wish | None = None) -> Snapshot: ...
    async def cancel(self, wish: Wish | None = None) -> Snapshot: ...
    async def status(self) -> Snapshot: ...
    async def close(self) -> None: ...


class OpenLink(Protocol):
    def __call__(
        self,
        namespace: str,
        pod: str,
        *,
        on_snapshot: Callable[[Snapshot], None],
        on_closed: Callable[[str], None],
    ) -> Awaitable[Link]: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Whose runner, and in which pod."""

    execution: str
    namespace: str
    pod: str
    pod_uid: str


@dataclass(slots=True)
class _Open:
    place: Place
    link: Link
    used_at: float
    ended: asyncio.Event
    in_use: int = 0


class Links:
    def __init__(
        self,
        open_link: OpenLink,
        heard: Callable[[Place, Snapshot], None],
        *,
        fence: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`fence` is called just before a wish is sent, and raises to forbid it."""
        self._open_link, self._heard, self._fence, self._clock = open_link, heard, fence, clock
        self._open: dict[str, _Open] = {}
        self._opening = asyncio.Semaphore(OPENING)

    def __len__(self) -> int:
        return len(self._open)

    async def look(self, place: Place) -> Snapshot:
        known = self._open.get(place.pod_uid)
        if known is None:
            return (await self._new(place)).link.snapshot  # it opens with one
        return await self._use(known, known.link.status())

    async def deliver(self, place: Place, verb: Verb, wish: Wish) -> Snapshot:
        known = self._open.get(place.pod_uid) or await self._new(place)
        self._fence()
        send = {Verb.PAUSE: known.link.pause, Verb.RESUME: known.link.resume}
        return await self._use(known, send.get(verb, known.link.cancel)(wish))

    def newest(self, place: Place) -> Snapshot | None:
        """What an open link was last told."""
        known = self._open.get(place.pod_uid)
        return known.link.snapshot if known else None

    async def drop(self, place: Place) -> None:
        """After a failure: the next use opens a new one."""
        if (known := self._open.pop(place.pod_uid, None)) is not None:
            await known.link.close()

    async def run(self) -> None:
        """Close what is idle, until cancelled; then all."""
        try:
            while True:
                await asyncio.sleep(1)
                await self.close_idle()
        finally:
            everyone = list(self._open.values())
            self._open.clear()
            await _close(everyone)

    async def close_idle(self) -> None:
        idle = sorted(
            (known for known in self._open.values() if not known.in_use), key=lambda k: k.used_at
        )
        surplus = max(0, len(self._open) - MOST)
        now = self._clock()
        due = [
            known
            for index, known in enumerate(idle)
            if index < surplus or now - known.used_at >= IDLE_SECONDS
        ]
        for known in due:  # before any wait: whoever wants it from now on opens a new one
            del self._open[known.place.pod_uid]
        await _close(due)

    async def _new(self, place: Place) -> _Open:
        ended = asyncio.Event()

        def on_closed(_: str) -> None:
            ended.set()
            mine = self._open.get(place.pod_uid)
            if mine is not None and mine.ended is ended:  # not one that was opened since
                del self._open[place.pod_uid]

        async with self._opening:
            link = await self._open_link(
                place.namespace,
                place.pod,
                on_snapshot=lambda snapshot: self._heard(place, snapshot),
                on_closed=on_closed,
            )
        known = _Open(place, link, self._clock(), ended)
        if not ended.is_set():
            self._open[place.pod_uid] = known
        return known

    async def _use(self, known: _Open, answer: Awaitable[Snapshot]) -> Snapshot:
        known.in_use += 1
        try:
            return await answer
        finally:
            known.in_use -= 1
            known.used_at = self._clock()


async def _close(links: Iterable[_Open]) -> None:
    """Together: each may take a second, and the process is to end in time."""
    await asyncio.gather(*(known.link.close() for known in links), return_exceptions=True)
