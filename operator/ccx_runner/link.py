"""The pod's end of a link: copy frames between exec's stdin and stdout and the runner's socket.

    stdin -> socket, socket -> stdout          python3 -I -S link.py, run by pod exec

One file, so that it can be copied alone, and without asyncio, so that it starts in 20 ms. It ends
the moment its stdin ends, also while stdout is blocked: an exec whose client has gone must not
stay. It talks to the runner only, which is PID 1, or CCX_RUNNER_PID outside of a container.
"""

import fcntl
import os
import select
import socket
import struct
import sys

SOCKET_NAME = "link.sock"
CHUNK = 256 * 1024
STDIN, STDOUT = 0, 1


class LinkError(Exception):
    """The text is for the one who ran the exec."""


class Pipe:
    """One direction: what was read from `source` and not yet taken by `sink`."""

    def __init__(self, source: int, sink: int) -> None:
        self.source, self.sink = source, sink
        self._buffer = memoryview(bytearray(CHUNK))  # a new one each time costs its clearing
        self.waiting = self._buffer[:0]
        self.ended = False

    @property
    def wants_read(self) -> bool:
        return not self.ended and not self.waiting

    def read(self) -> None:
        """Only when nothing waits: what is between are the kernel's buffers and one CHUNK."""
        try:
            count = os.readv(self.source, (self._buffer,))
        except BlockingIOError:
            return
        except ConnectionResetError:
            count = 0
        self.waiting = self._buffer[:count]
        self.ended = not count

    def write(self) -> None:
        try:
            written = os.write(self.sink, self.waiting)
        except BlockingIOError:
            return
        except (BrokenPipeError, ConnectionResetError):
            written = len(self.waiting)  # nobody takes it, and what comes the other way says why
        self.waiting = self.waiting[written:]


def connect(run_dir: str, runner_pid: int) -> socket.socket:
    """Raise LinkError unless the runner itself listens there."""
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        os.chdir(run_dir)  # a socket's path may have 107 bytes only
        peer.connect(SOCKET_NAME)
    except OSError as error:
        raise LinkError(f"no runner at {run_dir}/{SOCKET_NAME}: {error.strerror}") from error
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid = struct.unpack("3i", credentials)[0]
    if pid != runner_pid:
        raise LinkError(f"{run_dir}/{SOCKET_NAME} belongs to process {pid}, not {runner_pid}")
    return peer


def copy(peer: int) -> None:
    """Until stdin ends, or the runner has ended the link and stdout has taken the rest."""
    up, down = Pipe(STDIN, peer), Pipe(peer, STDOUT)
    polls: dict[tuple[bool, ...], select.poll] = {}  # setting one up costs more than copying
    while not up.ended and (down.waiting or not down.ended):
        state = (up.wants_read, bool(up.waiting), down.wants_read, bool(down.waiting))
        if state not in polls:
            polls[state] = a_poll(peer, *state)
        events = dict(polls[state].poll())
        if events.get(STDOUT, 0) & (select.POLLERR | select.POLLNVAL):
            return  # nobody reads any more
        if events.get(STDIN, 0) & select.POLLHUP and not up.wants_read:
            return  # with something waiting an end of stdin cannot be read, but seen
        if STDIN in events and up.wants_read:
            up.read()
        if peer in events and down.wants_read:
            down.read()
        if up.waiting:
            up.write()
        if down.waiting:
            down.write()


def widen(pipe: int) -> None:
    """To be woken for each 64 KiB costs as much as to copy them, here and at the other end."""
    try:
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, CHUNK)
    except OSError:
        pass  # it is none, or the user has too much in pipes


def a_poll(
    peer: int, up_reads: bool, up_waits: bool, down_reads: bool, down_waits: bool
) -> select.poll:
    """What can be read or written. Hang-ups and errors of stdin and stdout count always."""
    poll = select.poll()
    poll.register(STDIN, select.POLLIN if up_reads else 0)
    poll.register(STDOUT, select.POLLOUT if down_waits else 0)
    wanted = select.POLLIN if down_reads else 0
    wanted |= select.POLLOUT if up_waits else 0
    if wanted:  # else its hang-up would be reported again and again
        poll.register(peer, wanted)
    return poll


def main() -> int:
    run_dir = os.environ.get("CCX_RUN_DIR", "/run/ccx")
    runner_pid = os.environ.get("CCX_RUNNER_PID", "1")
    try:
        if not runner_pid.isdigit():
            raise LinkError("CCX_RUNNER_PID: must be a process id")
        peer = connect(run_dir, int(runner_pid))
        for fd in (STDIN, STDOUT, peer.fileno()):
            os.set_blocking(fd, False)  # exec's pipes are ours alone
        widen(STDOUT)
        copy(peer.fileno())
    except (LinkError, OSError) as error:
        print(f"ccx link: {error}", file=sys.stderr)  # noqa: T201 - the program's one output
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
