"""Streams give way to control: while one is carried out, the feeds take nothing more in.

    with way.first(): ...       around a control
    await way.free()            before a feed takes more

A full stream keeps every process of its path busy, the API server and the kubelet too, and a
control has to pass them all: it waits for a core in each. What a feed does not take is not asked
for either (link credit), so that they are free a few milliseconds later.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

AT_ONCE: Final = 0.1
"""Seconds that a control may hold the streams: mostly it is carried out much sooner."""

SHARE: Final = 0.5
"""Of the time, in the long run: who controls without end does not stop the output of others."""

SAVED: Final = 1.0
"""Seconds that may have been saved of that."""


class Allowance:
    """How long streams may be held yet. Pure; times are in seconds of one clock."""

    def __init__(self, *, at_once: float = AT_ONCE, saved: float = SAVED) -> None:
        self._at_once, self._saved = at_once, saved
        self._left, self._at = saved, 0.0

    def left(self, now: float) -> float:
        self._left = min(self._saved, self._left + SHARE * (now - self._at))
        self._at = now
        return min(self._at_once, self._left)

    def used(self, seconds: float) -> None:
        self._left -= seconds


class GiveWay:
    def __init__(self, allowance: Allowance | None = None) -> None:
        self._allowance = allowance or Allowance()
        self._controls = 0
        self._held_since = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._free = asyncio.Event()
        self._free.set()

    @property
    def is_held(self) -> bool:
        return not self._free.is_set()

    async def free(self) -> None:
        """After AT_ONCE seconds at most."""
        await self._free.wait()

    @contextmanager
    def first(self) -> Iterator[None]:
        self._controls += 1
        if self._controls == 1:
            self._hold()
        try:
            yield
        finally:
            self._controls -= 1
            if not self._controls:
                self._let_go()

    def _hold(self) -> None:
        loop = asyncio.get_running_loop()
        if (seconds := self._allowance.left(loop.time())) > 0:
            self._free.clear()
            self._held_since = loop.time()
            self._timer = loop.call_later(seconds, self._let_go)

    def _let_go(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._allowance.used(asyncio.get_running_loop().time() - self._held_since)
            self._free.set()
