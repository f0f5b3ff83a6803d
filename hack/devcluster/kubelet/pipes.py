"""One end of a pipe in asyncio without a buffer of its own: back-pressure is the pipe's."""

import asyncio
import os
from typing import Final

PIECE: Final = 64 * 1024


class PipeReader:
    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self._fd, self._open = fd, True
        self._ready = asyncio.Event()

    async def read(self, n: int = PIECE) -> bytes:
        """At most n bytes as soon as there are some; empty at the end and after close()."""
        while self._open:
            try:
                return os.read(self._fd, n)
            except BlockingIOError:
                await self._wait()
            except OSError:  # EIO: a terminal that no process holds any more
                return b""
        return b""

    def close(self) -> None:
        """Idempotent. Who is reading gets the end."""
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_reader(self._fd)
            os.close(self._fd)
            self._ready.set()

    async def _wait(self) -> None:
        self._ready.clear()
        loop = asyncio.get_running_loop()
        loop.add_reader(self._fd, self._ready.set)
        try:
            await self._ready.wait()
        finally:
            if self._open:
                loop.remove_reader(self._fd)


class PipeWriter:
    def __init__(self, fd: int) -> None:
        os.set_blocking(fd, False)
        self._fd, self._open = fd, True
        self._ready = asyncio.Event()

    async def write(self, data: bytes) -> None:
        """Returns when the pipe has taken all; a reader that has gone is no error."""
        rest = memoryview(data)
        while rest and self._open:
            try:
                rest = rest[os.write(self._fd, rest[:PIECE]) :]
            except BlockingIOError:
                await self._wait()
            except OSError:
                self.close()

    def close(self) -> None:
        """Idempotent. Who is writing returns."""
        if self._open:
            self._open = False
            asyncio.get_running_loop().remove_writer(self._fd)
            os.close(self._fd)
            self._ready.set()

    async def _wait(self) -> None:
        self._ready.clear()
        loop = asyncio.get_running_loop()
        loop.add_writer(self._fd, self._ready.set)
        try:
            await self._ready.wait()
        finally:
            if self._open:
                loop.remove_writer(self._fd)
