"""`ccx-runner read-archive`: what an archive has of an output, over the link that a runner has.

ArchiveOutput.prove() -> LinkServer -> links        none for a while -> the end
"""

import asyncio
import logging
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ccx_runner.archive_output import ArchiveOutput
from ccx_runner.defences import is_stranger
from ccx_runner.link_server import LinkServer
from ccx_runner.settings import ReaderPlaces
from ccx_runner.snapshot import OutputFacts, Snapshot
from ccx_runner.tree_end import wait_for
from ccx_runner.wishes import Refused, Wish

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.2
CANNOT: Final = 1


@dataclass(frozen=True, slots=True)
class Archive:
    directory: Path
    printed: int
    """Bytes in all, as the execution's status has them."""

    sha256: str


class Ended:
    """The link's `Control` where there is nothing to control any more."""

    def __init__(self, archive: Archive, kept: int) -> None:
        output = OutputFacts(archive.printed, sha256=archive.sha256, archived=kept)
        self._snapshot = Snapshot("Ended", output=output)

    async def pause(self, wish: Wish | None) -> None:
        raise _nothing_to_control(wish)

    async def resume(self, wish: Wish | None) -> None:
        raise _nothing_to_control(wish)

    async def cancel(self, wish: Wish | None) -> None:
        raise _nothing_to_control(wish)

    async def interrupt(self) -> None:
        raise _nothing_to_control()

    def snapshot(self) -> Snapshot:
        return self._snapshot


def read_archive(archive: Archive, places: ReaderPlaces, *, idle: float) -> int:
    """Until TERM, or `idle` seconds after its last link. Nobody gets what is not proven."""
    try:
        output = ArchiveOutput(archive.directory, archive.printed)
        output.prove(archive.sha256)
    except OSError as exc:
        words = f"the archive cannot be read: {exc}"
        log.error("%s", words)
        places.termination_log.write_text(f"{words}\n", encoding="utf-8")
        return CANNOT
    asyncio.run(_serve(output, Ended(archive, output.kept), places.run_dir, idle))
    return 0


async def _serve(output: ArchiveOutput, control: Ended, run_dir: Path, idle: float) -> None:
    loop = asyncio.get_running_loop()
    told_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_end.set)
    links = LinkServer(output, control, may_connect=is_stranger)
    await links.start(run_dir)
    links.notify_end()
    used_at = loop.time()
    try:
        while not told_to_end.is_set() and loop.time() < used_at + idle:
            if not await wait_for(told_to_end, LOOK_SECONDS):
                used_at = loop.time() if len(links) else used_at
    finally:
        await links.close()


def _nothing_to_control(_: object = None) -> Refused:
    return Refused("the process has ended: this is the archive of its output")
