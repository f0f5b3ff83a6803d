"""After the end of the process: the rest of its output is taken, and readers may have all of it.

all are gone -> output() -> the last snapshot -> readers() -> the runner ends

Every wait here is bounded: what has ended must not hold its pod.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from ccx_runner.back_pressure import AWAY_SECONDS
from ccx_runner.link_server import LinkServer
from ccx_runner.mirror import Mirror
from ccx_runner.output import Output
from ccx_runner.settings import Options
from ccx_runner.tree_end import wait_for

EOF_SECONDS: Final = 5.0
"""For pipes that somebody beside the execution holds open after its end."""

MIRROR_SECONDS: Final = 1.0
"""For the container's stdout to take what still waits."""

POLL_SECONDS: Final = 0.02


class Drain:
    def __init__(self, options: Options, links: LinkServer, mirror: Mirror) -> None:
        self._options, self._links, self._mirror = options, links, mirror
        self._told_to_hurry = False

    def hurry(self) -> None:
        """No reader is waited for any more."""
        self._told_to_hurry = True

    async def output(self, output: Output) -> None:
        output.let_go()
        if not await wait_for(output.ended, EOF_SECONDS):
            output.close()
        output.finish()
        await _until(lambda: not self._mirror.wants_write, MIRROR_SECONDS)
        output.close_mirror()

    async def readers(self) -> None:
        self._links.notify_end()
        drain = max(self._options.drain, AWAY_SECONDS if self._options.block else 0.0)
        await _until(lambda: self._told_to_hurry or not self._is_wanted(), drain)

    def _is_wanted(self) -> bool:
        awaited = self._options.await_reader and self._links.awaits_reader()
        return awaited or self._links.readers_behind()


async def _until(is_true: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not is_true() and time.monotonic() < until:  # noqa: ASYNC110 - neither tells us
        await asyncio.sleep(POLL_SECONDS)
