"""An archive as it is written: every call may block, for as long as its volume does.

write(pieces) -> streams, then output      end() -> transcript, fsync, end.json
"""

import hashlib
import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ccx_runner.archive_format import (
    ABOUT,
    DESCRIPTION,
    END,
    HOLE,
    OUTPUT,
    STREAMS,
    TRANSCRIPT,
    Piece,
    records_of,
)

MODE: Final = 0o640
NEXT_END: Final = ".end.json.part"
END_BYTES: Final = 512
COPY_BYTES: Final = 1024 * 1024


class ArchiveFiles:
    """Made by the first write: the directory is the volume's, and may not answer."""

    def __init__(self, directory: Path) -> None:
        self.bytes = 0
        """That are in it, without holes."""

        self._directory = directory
        self._hash, self._streams_hash = hashlib.sha256(), hashlib.sha256()
        self._kind: int | None = None
        self._fds: tuple[int, int] | None = None
        self._end = -1

    def write(self, pieces: Sequence[Piece]) -> None:
        """They follow what was written before. Raises OSError, and is not called again then."""
        output, streams = self._open()
        lines = [record.line() for record in records_of(pieces, self._kind)]
        _write(streams, b"".join(lines))
        self._streams_hash.update(b"".join(lines))
        for piece in pieces:
            self._kind = piece.kind
            if piece.kind == HOLE:
                os.lseek(output, piece.end, os.SEEK_SET)
                continue
            _write(output, piece.data)
            self._hash.update(piece.data)
            self.bytes += len(piece.data)

    def end(self, printed: int, transcript: Path | None) -> None:
        """`printed` is how much there was. After a write that has failed, too. Raises OSError."""
        self._open()
        facts = {
            "bytes": self.bytes,
            "sha256": self._hash.hexdigest(),
            "streams": self._streams_hash.hexdigest(),
            "printed": printed,
            "complete": self.bytes == printed,
            "transcript": None if transcript is None else self._copy(transcript),
        }
        for fd in self._open():
            os.fsync(fd)
        os.pwrite(self._end, json.dumps(facts).encode().ljust(END_BYTES - 1) + b"\n", 0)
        os.fsync(self._end)
        (self._directory / NEXT_END).replace(self._directory / END)

    def _open(self) -> tuple[int, int]:
        if self._fds is None:
            self._put(ABOUT, {**DESCRIPTION, "pod": os.uname().nodename})
            self._put(END, {"bytes": 0, "complete": False})
            self._end = self._create(NEXT_END)
            _write(self._end, b" " * END_BYTES)  # also a full volume shall take the last word
            self._fds = self._create(OUTPUT), self._create(STREAMS)
        return self._fds

    def _create(self, name: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        return os.open(self._directory / name, flags, MODE)

    def _put(self, name: str, facts: object) -> None:
        """Whole or not at all."""
        fd = self._create(f".{name}.part")
        try:
            _write(fd, json.dumps(facts, indent=2).encode() + b"\n")
            os.fsync(fd)
        finally:
            os.close(fd)
        (self._directory / f".{name}.part").replace(self._directory / name)

    def _copy(self, transcript: Path) -> dict[str, object] | None:
        """None: it is no file, or cannot be read; the agent, whose it is, may have seen to that."""
        try:
            source = os.open(transcript, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        copied, found = 0, hashlib.sha256()
        try:
            if not stat.S_ISREG(os.fstat(source).st_mode):
                return None
            target = self._create(TRANSCRIPT)
            try:
                while data := os.read(source, COPY_BYTES):
                    _write(target, data)
                    found.update(data)
                    copied += len(data)
                os.fsync(target)
            finally:
                os.close(target)
        finally:
            os.close(source)
        return {"bytes": copied, "sha256": found.hexdigest()}


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
