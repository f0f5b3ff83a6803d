"""Both streams on the container's stdout, for `kubectl logs`: a lossy tail, never a brake.

    offer(data, now) -> MirrorPlan: whole lines within the rate -> [pending] -> flush() -> stdout

stdout may be shared with others, so its O_NONBLOCK flag, which they would get too, is left alone:
a pipe that poll() calls writable takes PIPE_BUF bytes without blocking, and no more are written
at once. What does not fit is left out, and one line says how much.
"""

import hashlib
import os
import select
from typing import Final

from ccx_runner.mirror_plan import MirrorPlan

MAX_PENDING: Final = 1024 * 1024
"""Bytes that wait for a slow reader of stdout; a longer line is left out."""


class Mirror:
    """`fd` None: switched off. A failed write switches it off as well: nobody reads any more."""

    def __init__(self, fd: int | None, *, plan: MirrorPlan | None = None) -> None:
        self._fd = None if fd is None else os.dup(fd)
        self._plan = plan or MirrorPlan()
        self._pending = bytearray()
        self._hash = hashlib.sha256()
        self.bytes = 0
        """What was written, exactly."""

    def sha256(self) -> str:
        """Of exactly what was written."""
        return self._hash.hexdigest()

    def fileno(self) -> int:
        """For the event loop to wait on. Raises ValueError when switched off or closed."""
        if self._fd is None:
            raise ValueError("the mirror is switched off")
        return self._fd

    @property
    def wants_write(self) -> bool:
        """Something waits for stdout: call flush() when it is writable."""
        return bool(self._pending)

    def offer(self, data: bytes, now: float) -> None:
        """Take what rate and room allow, and write as much as stdout takes at once.

        `now` is in seconds of a monotonic clock.
        """
        if self._fd is None:
            return
        room = MAX_PENDING - len(self._pending)
        self._pending += self._plan.admit(data, now, room=room)
        self.flush()

    def finish(self) -> None:
        """There is no more output: say what was left out last. flush() while wants_write."""
        if self._fd is not None:
            self._pending += self._plan.last_words()
            self.flush()

    def flush(self) -> None:
        """Never blocks."""
        if self._fd is None or not self._pending:
            return
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        try:
            while self._pending and poll.poll(0):
                self._write()
        except BlockingIOError:  # whoever shares stdout has made it non-blocking
            pass
        except OSError:
            self.close()

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
        self._fd = None
        self._pending.clear()

    def _write(self) -> None:
        assert self._fd is not None
        written = os.write(self._fd, self._pending[: select.PIPE_BUF])
        self._hash.update(self._pending[:written])
        self.bytes += written
        del self._pending[:written]
