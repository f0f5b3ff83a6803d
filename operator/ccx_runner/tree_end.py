"""End every process below us: TERM and CONT, a grace, then KILL until nobody is left.

order() -> the main process's group gets TERM and CONT
finish() -> all get CONT -> main process ends -> the others get TERM and CONT -> grace over -> KILL

Mostly the group is all there is, and gone before anybody need be looked for.

TERM goes to the group first, and only then to what left it (sessions of their own): a main
process that is asked to end, ends its tools itself and may still tell of it. One grace is for all.
"""

import asyncio
import logging
import os
import signal
import time
from contextlib import suppress

from ccx_runner.child import Child
from ccx_runner.freeze import send_to_all, send_to_groups
from ccx_runner.process_tree import Tree, UnreadableTreeError, look, ticks

log = logging.getLogger(__name__)

QUICK_SECONDS = 0.005
"""In which a group goes that does not take its time: a look may take as long, and holds reaping."""

KILL_SECONDS = 30.0
"""How long KILL is repeated. What still lives then hangs in the kernel."""


class TreeEnd:
    def __init__(self, child: Child, *, grace: float) -> None:
        self.main_ended = asyncio.Event()
        self.nobody_left = asyncio.Event()
        self.asked = asyncio.Event()
        """The group has been told to end, and whoever is below us to go on, if anybody still is."""

        self._child, self._grace = child, grace
        self._over_at = 0.0
        self._group_asked_at: int | None = None
        self._told = set[tuple[int, int]]()

    def order(self) -> None:
        """Do not wait. A stopped process acts on TERM only once it has been continued.

        The group does not wait for a look, which is for those who have left it.
        """
        self._over_at = time.monotonic() + self._grace
        if not self.main_ended.is_set():
            self._group_asked_at = ticks()
            self._child.send_to_group(signal.SIGTERM)
            self._child.send_to_group(signal.SIGCONT)

    async def finish(self) -> bool:
        """Whether nobody is left; if not, nothing more can be done about who is."""
        try:
            if not await wait_for(self.nobody_left, QUICK_SECONDS):
                self._continue_all()
            self.asked.set()
            await self._finish()
        finally:
            self.asked.set()
            if not self.nobody_left.is_set():
                last_resort(self._child)
        return self.nobody_left.is_set()

    def _continue_all(self) -> None:
        """Whatever fails here, the end goes on: a fault that calls for an end must not repeat."""
        try:
            below = self.look().alive
            if (since := self._group_asked_at) is not None:
                in_group = (p for p in below if p.group == self._child.pid)
                self._told = {p.identity for p in in_group if p.start_time < since}
            send_to_all(below, signal.SIGCONT)
        except OSError as exc:
            log.error("cannot ask the processes to end: %s", exc)
            last_resort(self._child)

    async def _finish(self) -> None:
        await wait_for(self.main_ended, self._over_at - time.monotonic())
        if self.main_ended.is_set() and not self.nobody_left.is_set():
            self._order_the_others()
            await wait_for(self.nobody_left, self._over_at - time.monotonic())
        await self.kill()

    async def kill(self) -> None:
        until = time.monotonic() + KILL_SECONDS
        pause = 0.002
        while not self.nobody_left.is_set() and time.monotonic() < until:
            tree = self.look()
            send_to_groups(tree, signal.SIGKILL)
            send_to_all(tree.alive, signal.SIGKILL)
            await wait_for(self.nobody_left, pause)
            pause = min(pause * 2, 0.05)

    def look(self) -> Tree:
        """Whoever is below us. Where that cannot be read, there is no grace for anybody."""
        try:
            return look(os.getpid())
        except UnreadableTreeError:
            last_resort(self._child)
            return Tree()

    def _order_the_others(self) -> None:
        below = self.look().alive
        send_to_all([p for p in below if p.identity not in self._told], signal.SIGTERM)
        send_to_all(below, signal.SIGCONT)


def last_resort(child: Child) -> None:
    """KILL without a look at /proc: the group, and as PID 1 all of the container."""
    child.send_to_group(signal.SIGKILL)
    if os.getpid() == 1:
        with suppress(ProcessLookupError):  # nobody but us is left
            os.kill(-1, signal.SIGKILL)


async def wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Whether it was set in time."""
    if event.is_set() or seconds <= 0:
        return event.is_set()
    waiting = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait({waiting}, timeout=seconds)
    finally:
        waiting.cancel()
    return event.is_set()
