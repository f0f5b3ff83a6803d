"""A process that was started beside a container's main one, and its streams (ports.ExecProcess)."""

import asyncio
import os
from collections.abc import Callable, Sequence

from devcluster.kubelet.pipes import PipeReader, PipeWriter


class Exec:
    def __init__(self, fds: Sequence[int], *, kill: Callable[[], None]) -> None:
        """`fds`: our ends of stdin, stdout and stderr, or of the one terminal."""
        loop = asyncio.get_running_loop()
        self._kill = kill
        self._started: asyncio.Future[int] = loop.create_future()
        self._ended: asyncio.Future[int] = loop.create_future()
        self._terminal = len(fds) == 1
        self._stdin = PipeWriter(os.dup(fds[0]) if self._terminal else fds[0])
        self.stdout = PipeReader(fds[0] if self._terminal else fds[1])
        self.stderr = None if self._terminal else PipeReader(fds[2])

    async def write_stdin(self, data: bytes) -> None:
        await self._stdin.write(data)

    async def close_stdin(self) -> None:
        if self._terminal:
            await self._stdin.write(b"\x04")  # a terminal has no other way to tell the end
        self._stdin.close()

    async def wait(self) -> int:
        """128+N for a signal."""
        code = await asyncio.shield(self._ended)
        return code if code >= 0 else 128 - code

    async def kill(self) -> None:
        """End it and what it left in its session, and release the streams. Idempotent."""
        try:
            if not self._ended.done():
                self._kill()
                await asyncio.shield(self._ended)
        finally:
            self._close()

    async def started(self) -> int:
        """0, or why it did not start (an errno)."""
        try:
            error = await asyncio.shield(self._started)
        except asyncio.CancelledError:
            self._kill()
            self._close()
            raise
        if error:
            self._close()
        return error

    def did_start(self, error: int) -> None:
        if not self._started.done():
            self._started.set_result(error)

    def did_end(self, code: int) -> None:
        if not self._ended.done():
            self._ended.set_result(code)

    def _close(self) -> None:
        for stream in (self._stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()
