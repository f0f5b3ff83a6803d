"""The runner links that are open in this replica, for all who need one of a pod.

feed -> open() -> RunnerLink <- deliver()      control goes over the link that output comes by
                      └> snapshot -> first()   sooner than the operator's status
"""

import asyncio
from typing import Final

from ccx_api.snapshot import Snapshot
from ccx_api.v1alpha1 import DesiredState
from ccx_api.wish import Wish
from ccx_kube.link import RunnerLink
from ccx_kube.session import KubeSession

OPENING: Final = 16
"""How many are opened at a time: each is a new process in a pod."""

Place = tuple[str, str]
"""Namespace and name of a pod."""


class OpenLinks:
    def __init__(self, session: KubeSession) -> None:
        self._session = session
        self._open: dict[Place, list[RunnerLink]] = {}
        self._waiting: dict[Place, set[asyncio.Future[Snapshot]]] = {}
        self._opening = asyncio.Semaphore(OPENING)

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    async def open(self, namespace: str, pod: str) -> RunnerLink:
        """As RunnerLink.open; closed by who opened it."""
        place = namespace, pod
        async with self._opening:
            link = await RunnerLink.open(
                self._session,
                namespace,
                pod,
                on_snapshot=lambda snapshot: self._heard(place, snapshot),
                on_closed=lambda _: self._forget_closed(place),
            )
        if link.is_open:
            self._open.setdefault(place, []).append(link)
        return link

    async def first(self, namespace: str, pod: str) -> Snapshot:
        """The first one known that has a process. It may never come: the caller sets the bound."""
        place = namespace, pod
        for link in self._open.get(place, ()):
            if link.snapshot.pid is not None:
                return link.snapshot
        waiting: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(place, set()).add(waiting)
        try:
            return await waiting
        finally:
            self._waiting[place].discard(waiting)
            if not self._waiting[place]:
                del self._waiting[place]

    async def deliver(self, namespace: str, pod: str, wish: Wish) -> Snapshot:
        """Return when it is carried out and proven. Raises LinkRefused or LinkLost."""
        for link in self._open.get((namespace, pod), ()):
            if link.is_open:
                return await _ask(link, wish)
        async with await RunnerLink.open(self._session, namespace, pod) as link:
            return await _ask(link, wish)

    def _heard(self, place: Place, snapshot: Snapshot) -> None:
        if snapshot.pid is None:
            return
        for waiting in self._waiting.get(place, ()):
            if not waiting.done():
                waiting.set_result(snapshot)

    def _forget_closed(self, place: Place) -> None:
        left = [link for link in self._open.pop(place, ()) if link.is_open]
        if left:
            self._open[place] = left


async def _ask(link: RunnerLink, wish: Wish) -> Snapshot:
    match wish.desired_state:
        case DesiredState.PAUSED:
            return await link.pause(wish)
        case DesiredState.RUNNING:
            return await link.resume(wish)
        case DesiredState.CANCELLED:
            return await link.cancel(wish)
