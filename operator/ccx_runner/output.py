"""Take in what the processes print: read both pipes, cut into lines, keep, mirror, understand.

stdout, stderr -> LineBlocks -> Spool | Mirror | StreamJsonReader -> taken()

A read takes at most 256 KiB, then everything else in the event loop has its turn. While there is no
room, nothing is read, so the process waits in its write (Block). When the spool fails, the pipes
are still read, so that nobody hangs, but nothing is kept any more.
"""

import asyncio
import fcntl
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from ccx_runner.frame_types import Stream
from ccx_runner.line_blocks import MAX_LINE_BYTES, Block, LineBlocks
from ccx_runner.mirror import Mirror
from ccx_runner.spool import Spool
from ccx_runner.stream_json import StreamJsonReader

READ_BYTES = 256 * 1024
MOST_IN_A_PIPE = 1024 * 1024
"""What Linux lets an unprivileged process put into one."""

LOOK_SECONDS = 1.0
"""How often it is looked for room that comes with time alone: a reader is given up."""

FLUSH_SECONDS = 0.2
"""After that, the beginning of a line is handed on without its end."""


@dataclass(frozen=True, slots=True)
class Sinks:
    spool: Spool
    mirror: Mirror
    claude: StreamJsonReader | None
    """Reads stdout, if that is Claude's."""


def _always(_: int) -> bool:
    return True


def _widen(pipe: IO[bytes]) -> None:
    """A turn of the event loop for each READ_BYTES, not for each 64 KiB, where that is allowed."""
    with suppress(OSError):
        fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, READ_BYTES)


class Output:
    def __init__(
        self,
        sinks: Sinks,
        *,
        taken: Callable[[], None],
        failed: Callable[[str], None],
        has_room: Callable[[int], bool] | None = None,
    ) -> None:
        """`has_room` is asked before so many bytes are taken; after a no, go_on() asks again."""
        self.ended = asyncio.Event()
        self._has_room = has_room or _always
        self._holding: asyncio.TimerHandle | None = None
        self._sinks, self._taken, self._failed = sinks, taken, failed
        self._loop = asyncio.get_running_loop()
        longest = min(MAX_LINE_BYTES, sinks.spool.capacity // 8)
        self._blocks = LineBlocks(max_line_bytes=longest)
        self._pipes: dict[Stream, IO[bytes]] = {}
        self._flushes: dict[Stream, asyncio.TimerHandle] = {}
        self._is_broken = False
        self._mirror_fd: int | None = None

    def read(self, pipes: dict[Stream, IO[bytes]]) -> None:
        """Begin, or go on with the pipes of another run where the offsets have come to.

        The pipes must not block; they are closed at their end.
        """
        self.close()
        self.ended.clear()
        self._pipes = pipes
        for stream, pipe in pipes.items():
            _widen(pipe)
            self._loop.add_reader(pipe.fileno(), self._read_if_room, stream)

    def close(self) -> None:
        """Take what is there, and wait no longer: somebody beside the execution holds a pipe."""
        self._hold_no_more()
        for stream in list(self._pipes):
            while stream in self._pipes and self._read(stream):
                pass
            if stream in self._pipes:
                self._end(stream)

    def catch_up(self) -> None:
        """Take what the main process had printed before it ended."""
        for _ in range(MOST_IN_A_PIPE // READ_BYTES):
            if Stream.STDOUT not in self._pipes or not self._read(Stream.STDOUT):
                return

    @property
    def is_held(self) -> bool:
        """The process waits for readers, or soon will."""
        return self._holding is not None

    def go_on(self) -> None:
        """There may be room again."""
        if self._holding is not None and self._has_room(self._needed):
            self._hold_no_more()
            for stream, pipe in self._pipes.items():
                self._loop.add_reader(pipe.fileno(), self._read_if_room, stream)

    def let_go(self) -> None:
        """Nobody prints any more: what the pipes still hold is taken at once, there is room."""
        self._has_room = _always
        self.go_on()

    def finish(self) -> None:
        """There will be no more: the mirror says what it has left out."""
        self._unwatch_mirror()
        self._sinks.mirror.finish()
        self._watch_mirror()

    def close_mirror(self) -> None:
        """What stdout has not taken by now is left out."""
        self._unwatch_mirror()
        self._sinks.mirror.close()

    @property
    def _needed(self) -> int:
        """What a read brings, what is held, and what the pipes hold at the end."""
        return (1 + len(Stream)) * READ_BYTES + self._blocks.held

    def _read_if_room(self, stream: Stream) -> None:
        if self._has_room(self._needed):
            self._read(stream)
            return
        for pipe in self._pipes.values():
            self._loop.remove_reader(pipe.fileno())
        self._look_later()

    def _look_later(self) -> None:
        self._holding = self._loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._look_later()
        self.go_on()

    def _hold_no_more(self) -> None:
        if self._holding is not None:
            self._holding.cancel()
        self._holding = None

    def _read(self, stream: Stream) -> bool:
        """Whether there was something."""
        try:
            chunk = os.read(self._pipes[stream].fileno(), READ_BYTES)
        except BlockingIOError:
            return False
        if not chunk:
            self._end(stream)
            return False
        blocks = self._blocks.feed(stream, chunk)
        self._take(blocks)
        if stream is Stream.STDOUT and self._sinks.claude is not None:
            self._sinks.claude.feed(chunk, sum(block.newlines for block in blocks))
        self._taken()
        self._flush_later(stream, is_new_rest=bool(blocks))
        return True

    def _take(self, blocks: list[Block]) -> None:
        if self._is_broken:
            return
        self._unwatch_mirror()  # a write that fails closes its descriptor
        try:
            for block in blocks:
                self._sinks.spool.append(block.stream, block.data, block.newlines)
                self._sinks.mirror.offer(block.data, time.monotonic())
        except OSError as exc:
            self._is_broken = True
            self._failed(f"the output cannot be kept: {exc}")
        self._watch_mirror()

    def _flush_later(self, stream: Stream, *, is_new_rest: bool) -> None:
        """A line that grows, such as a progress bar, does not put its own handing on off."""
        if stream in self._flushes and is_new_rest:
            self._flushes.pop(stream).cancel()
        if self._blocks.has_rest(stream) and stream not in self._flushes:
            self._flushes[stream] = self._loop.call_later(FLUSH_SECONDS, self._flush_due, stream)

    def _flush_due(self, stream: Stream) -> None:
        if self._has_room(self._blocks.held):
            self._flush(stream)
        else:
            self._flushes[stream] = self._loop.call_later(LOOK_SECONDS, self._flush_due, stream)

    def _flush(self, stream: Stream, *, at_end: bool = False) -> None:
        if stream in self._flushes:
            self._flushes.pop(stream).cancel()
        block = self._blocks.flush(stream, at_end=at_end)
        if block is not None:
            self._take([block])
            self._taken()

    def _end(self, stream: Stream) -> None:
        self._flush(stream, at_end=True)
        pipe = self._pipes.pop(stream)
        self._loop.remove_reader(pipe.fileno())
        pipe.close()
        if stream is Stream.STDOUT and self._sinks.claude is not None:
            self._sinks.claude.feed_end()
        if not self._pipes:
            self.ended.set()
        self._taken()

    def _watch_mirror(self) -> None:
        """Write on when stdout is read again."""
        mirror = self._sinks.mirror
        if mirror.wants_write and self._mirror_fd is None:
            self._mirror_fd = mirror.fileno()
            self._loop.add_writer(self._mirror_fd, self._write_mirror)

    def _unwatch_mirror(self) -> None:
        if self._mirror_fd is not None:
            self._loop.remove_writer(self._mirror_fd)
        self._mirror_fd = None

    def _write_mirror(self) -> None:
        self._unwatch_mirror()
        self._sinks.mirror.flush()
        self._watch_mirror()
