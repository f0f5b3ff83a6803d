"""Put the whole output into an archive as it flows, without ever waiting for the archive's volume.

    spool.read(cursor) -> a batch -> a thread that may hang -> ArchiveFiles -> the next batch

In memory is one batch. A volume that is slow is behind by what the spool holds; with `Block` the
process waits for it, as for any reader, else what the spool has dropped by then is a hole. A write
that fails is the last one: the archive ends there. That, and a volume that does not answer, are not
the execution's concern; the snapshot says how many bytes are in the archive.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from ccx_runner.archive_files import ArchiveFiles
from ccx_runner.archive_format import HOLE, Piece
from ccx_runner.frame_types import Gap
from ccx_runner.spool import Spool
from ccx_runner.tree_end import wait_for

log = logging.getLogger(__name__)

BATCH_BYTES: Final = 1024 * 1024
BATCH_PIECES: Final = 1024
"""The event loop's share of a batch is some milliseconds."""

LATER: Final = 0.5
"""Seconds until what is less than a batch is written."""

END_SECONDS: Final = 10.0
"""At most, for what is behind at the end: the end of the execution waits for it."""

HOLD_SECONDS: Final = 1.0

PATIENCE: Final = 120.0
"""Seconds for which a process that is to be blocked waits for one write: as for a reader."""


class Archiver:
    """No directory: there is no archive."""

    def __init__(
        self,
        directory: Path | None,
        spool: Spool,
        *,
        moved: Callable[[], None] = lambda: None,
        patience: float = PATIENCE,
    ) -> None:
        """`moved` is told when the archive has come further."""
        self.message = ""
        """Why not all is in it."""

        self._files = None if directory is None else ArchiveFiles(directory)
        self._spool, self._moved, self._patience = spool, moved, patience
        self._cursor = self._kept = 0
        self._thread: threading.Thread | None = None
        self._began = 0.0
        self._later: asyncio.TimerHandle | None = None
        self._has_failed = self._is_over = False
        self._idle = asyncio.Event()
        self._ended: asyncio.Event | None = None

    @property
    def bytes(self) -> int | None:
        """How many are in it. None: there is none."""
        return None if self._files is None else self._kept

    def wanted(self) -> int | None:
        """The first byte that is still to be had for it. None: it is not to be waited for."""
        if self._files is None or self._has_failed or self._hangs():
            return None
        return self._cursor

    def output_came(self) -> None:
        if self._files is not None and self._thread is None and not self._has_failed:
            if self._spool.end - self._cursor >= BATCH_BYTES:
                self._write()
            elif self._later is None:
                self._later = asyncio.get_running_loop().call_later(LATER, self._write)

    def hold(self) -> None:
        """For a fork: no thread may hold a lock then. One that hangs in a write holds none."""
        if self._thread is not None:
            self._thread.join(HOLD_SECONDS)

    @property
    def is_idle(self) -> bool:
        """Nothing is being written."""
        return self._thread is None

    async def finish(
        self, transcript: Callable[[], Path | None], *, seconds: float = END_SECONDS
    ) -> None:
        """All output is in the spool. Takes so many seconds at most."""
        files = self._files
        if files is None:
            return
        until = asyncio.get_running_loop().time() + seconds
        self._drain()
        in_time = await wait_for(self._idle, until - asyncio.get_running_loop().time())
        if in_time and self._thread is None:
            printed = self._spool.end
            self._idle.clear()
            self._start(lambda: files.end(printed, transcript()))
            in_time = await wait_for(self._idle, until - asyncio.get_running_loop().time())
        if not in_time:
            self._give_up(f"its volume did not take it within {seconds:g} s")
        self._is_over = True

    def _drain(self) -> None:
        """Set _idle when everything is written, or nothing more can be."""
        self._idle.clear()
        self._ended = self._idle
        if self._thread is None:
            self._write()

    def _write(self) -> None:
        if self._later is not None:
            self._later.cancel()
        self._later = None
        if self._thread is not None:
            return
        batch = [] if self._has_failed else self._batch()
        if self._files is not None and batch:
            files = self._files
            self._start(lambda: files.write(batch))
            self._moved()
        elif self._ended is not None:
            self._ended.set()

    def _batch(self) -> list[Piece]:
        pieces: list[Piece] = []
        size = 0
        while size < BATCH_BYTES and len(pieces) < BATCH_PIECES:
            try:
                found = self._spool.read(self._cursor, BATCH_BYTES - size)
            except OSError as exc:
                self._give_up(f"the spool cannot be read: {exc}")
                break
            if found is None:
                break
            if isinstance(found, Gap):
                self.message = "the archive has holes: its volume is slower than the output"
                pieces.append(Piece(found.start, found.end, HOLE))
            else:
                pieces.append(Piece(found.offset, found.end, int(found.stream), found.data))
                size += len(found.data)
            self._cursor = found.end
        return pieces

    def _hangs(self) -> bool:
        now = asyncio.get_running_loop().time()
        return self._thread is not None and now > self._began + self._patience

    def _start(self, work: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        self._began = loop.time()

        def run() -> None:
            failure = None
            try:
                work()
            except OSError as exc:
                failure = exc.strerror or str(exc)
            with suppress(RuntimeError):  # the loop is closed: the runner is on its way out
                loop.call_soon_threadsafe(self._done, failure)

        self._thread = threading.Thread(target=run, name="archive", daemon=True)
        try:
            self._thread.start()
        except RuntimeError as exc:  # the agent may have used up our share of processes
            self._thread = None
            self._give_up(str(exc))

    def _done(self, failure: str | None) -> None:
        self._thread = None
        if self._is_over:
            return  # what has been told of it stays
        assert self._files is not None
        self._kept = self._files.bytes
        if failure is not None:
            self._give_up(failure)
        elif self._ended is not None:
            self._write()
        elif self._cursor < self._spool.end:
            self.output_came()

    def _give_up(self, why: str) -> None:
        if not self._has_failed:
            self.message = f"the archive is not complete: {why}"
            log.warning("%s", self.message)
        self._has_failed = True
        if self._ended is not None:
            self._ended.set()
