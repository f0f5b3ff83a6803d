"""The log of one run of a container: written as output comes, rotated, followed by readers.

pump -> ContainerLog -> N.log (and N.log.1, the one before it) -> log_reader.py
"""

import time
from pathlib import Path
from typing import BinaryIO, Final

from devcluster.kubelet.broadcast import Broadcast
from devcluster.kubelet.cri_log import LineSplitter, encode

MAX_BYTES: Final = 10 * 1024 * 1024
"""As the kubelet's containerLogMaxSize. Two files are kept, of which readers get the newest."""


class ContainerLog:
    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.changed = Broadcast()
        self.rotations = 0
        self._max_bytes = max_bytes
        self._splitters = {"stdout": LineSplitter(), "stderr": LineSplitter()}
        self._file: BinaryIO = path.open("wb", buffering=0)
        self._size = 0

    @property
    def ended(self) -> bool:
        return not self._splitters

    def write(self, stream: str, chunk: bytes) -> None:
        self._append(stream, self._splitters[stream].feed(chunk))

    def end_of(self, stream: str) -> None:
        """The stream is at its end. Idempotent; after both the log is complete."""
        splitter = self._splitters.get(stream)
        if splitter is None:
            return
        self._append(stream, splitter.end())
        del self._splitters[stream]
        if self.ended:
            self._file.close()
            self.changed.fire()

    def close(self) -> None:
        for stream in list(self._splitters):
            self.end_of(stream)

    def _append(self, stream: str, lines: list[tuple[bytes, bool]]) -> None:
        if not lines:
            return
        if self._size >= self._max_bytes:
            self._rotate()
        data = encode(stream, time.time_ns(), lines)
        self._file.write(data)
        self._size += len(data)
        self.changed.fire()

    def _rotate(self) -> None:
        self._file.close()
        self.path.rename(self.path.with_suffix(".log.1"))
        self._file = self.path.open("wb", buffering=0)
        self.rotations += 1
        self._size = 0
