"""The newest snapshot, where the kubelet reads it whatever ends the container."""

import os
from pathlib import Path

from ccx_runner.snapshot import Snapshot
from ccx_runner.snapshot_json import to_json


class TerminationLog:
    """Written in place: the file is a bind mount, which a rename cannot replace."""

    def __init__(self, path: Path, *, limit: int) -> None:
        """`limit`: bytes of the file at most, the newline included."""
        self._limit = limit
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def write(self, snapshot: Snapshot) -> None:
        """A reader at any moment finds a whole snapshot in the first line. Raises OSError."""
        line = to_json(snapshot, self._limit - 1) + b"\n"
        written = os.pwrite(self._fd, line, 0)
        if written < len(line):
            raise OSError(f"termination log: {written} of {len(line)} bytes could be written")
        os.ftruncate(self._fd, len(line))

    def close(self) -> None:
        os.close(self._fd)
