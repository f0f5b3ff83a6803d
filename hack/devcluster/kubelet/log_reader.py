"""What `kubectl logs` gets of a container's log file: the options of pods/log, and follow.

N.log -> records -> since, tail, timestamps, limit -> chunks of bytes
"""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from devcluster.kubelet.cri_log import decode
from devcluster.kubelet.log_file import ContainerLog
from devcluster.ports import LogOptions

CHUNK: Final = 64 * 1024


async def read_log(
    path: Path, live: ContainerLog | None, options: LogOptions, *, now: datetime
) -> AsyncIterator[bytes]:
    """Chunks of the log. With follow it goes on until the container's output has ended."""
    follow = options.follow and live is not None
    selection = Selection(options, now)
    source = _Source(path, options.tail_lines, live.rotations if live else 0)
    try:
        while not selection.is_full:
            rotations = live.rotations if live else 0
            ended, changed = live is None or live.ended, live.changed.next() if live else None
            if data := source.read():
                if chosen := selection.take(data):
                    yield chosen
            elif rotations > source.rotations:
                source.reopen(rotations)
            elif not follow or ended or changed is None:
                return
            else:
                await changed.wait()
    finally:
        source.close()


class _Source:
    """The newest file of a log, read on through its rotations (one that is missed is lost)."""

    def __init__(self, path: Path, tail_lines: int | None, rotations: int) -> None:
        self._path, self.rotations = path, rotations
        self._fd = self._open()
        if self._fd is not None and tail_lines is not None:
            os.lseek(self._fd, tail_offset(self._fd, tail_lines), os.SEEK_SET)

    def read(self) -> bytes:
        return b"" if self._fd is None else os.read(self._fd, CHUNK)

    def reopen(self, rotations: int) -> None:
        self.close()
        self._fd, self.rotations = self._open(), rotations

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _open(self) -> int | None:
        try:
            return os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return None


class Selection:
    """Records to what was asked for. Pure; holds back less than one record."""

    def __init__(self, options: LogOptions, now: datetime) -> None:
        self._timestamps = options.timestamps
        self._left = options.limit_bytes
        self._since = _since(options, now)
        self._rest = b""
        self._at_line_start = True

    @property
    def is_full(self) -> bool:
        return self._left is not None and self._left <= 0

    def take(self, data: bytes) -> bytes:
        *lines, self._rest = (self._rest + data).split(b"\n")
        chosen = b"".join(map(self._text, lines))
        if self._left is not None:
            chosen = chosen[: self._left]
            self._left -= len(chosen)
        return chosen

    def _text(self, line: bytes) -> bytes:
        record = decode(line)
        if record is None or record.time < self._since:
            return b""
        stamp = record.time + b" " if self._timestamps and self._at_line_start else b""
        self._at_line_start = record.complete
        return stamp + record.text + (b"\n" if record.complete else b"")


def _since(options: LogOptions, now: datetime) -> bytes:
    """The first time that is wanted, comparable with a record's as text."""
    since = options.since_time
    if options.since_seconds is not None:
        since = now - timedelta(seconds=options.since_seconds)
    if since is None:
        return b""
    return f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}".encode()


def tail_offset(fd: int, lines: int) -> int:
    """Where the last `lines` records begin."""
    end = position = os.fstat(fd).st_size
    if lines <= 0:
        return end
    wanted = lines + 1  # the newline before the first of them
    while position > 0:
        start = max(0, position - CHUNK)
        block = os.pread(fd, position - start, start)
        found = block.count(b"\n")
        if found >= wanted:
            cut = len(block)
            for _ in range(wanted):
                cut = block.rindex(b"\n", 0, cut)
            return start + cut + 1
        wanted -= found
        position = start
    return 0
