"""A running container as the kubelet holds it: the client of shim.py.

start() -> shim -> started -> signal / kill / exec -> ended -> every process gone, log complete
"""

import asyncio
import errno
import json
import os
import pty
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from devcluster.kubelet.exec_process import Exec
from devcluster.kubelet.log_file import ContainerLog
from devcluster.kubelet.pipes import PipeReader

SHIM: Final = Path(__file__).with_name("shim.py")
SHIM_COMMAND: Final = (sys.executable, "-I", "-S", "-X", "utf8", str(SHIM))
MAX_MESSAGE: Final = 256 * 1024
START_SECONDS: Final = 120.0
DRAIN_SECONDS: Final = 5.0
"""How long output may stay open after the last process: another container may hold the pipe."""


class StartError(Exception):
    """The process could not be started; the message is a container runtime's."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What is started: all paths are local, all names resolved."""

    argv: Sequence[str]
    env: dict[str, str]
    cwd: str


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    """Like subprocess.returncode: negative for a signal."""

    at: datetime


class ContainerProcess:
    def __init__(self, launch: Launch, log: ContainerLog) -> None:
        """Call start() instead."""
        self.pid = 0
        self._launch = launch
        self._execs: dict[int, Exec] = {}
        self._next_exec = 0
        self._end: Ended | None = None
        loop = asyncio.get_running_loop()
        self._started: asyncio.Future[datetime] = loop.create_future()
        self._ended: asyncio.Future[Ended] = loop.create_future()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setblocking(False)
        readers, writers = zip(os.pipe(), os.pipe(), strict=True)
        self._shim = _popen(launch, theirs, *writers)
        loop.add_reader(self._control, self._on_message)
        self._pumps = [
            asyncio.create_task(_pump(PipeReader(reader), stream, log))
            for stream, reader in zip(("stdout", "stderr"), readers, strict=True)
        ]

    @classmethod
    async def start(cls, launch: Launch, log: ContainerLog) -> Self:
        """Raises StartError. Not to be cancelled: bounded by START_SECONDS."""
        process = cls(launch, log)
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.shield(process._started)
        except TimeoutError:
            process._shim.kill()
            raise StartError(f"the shim did not start within {START_SECONDS:.0f} s") from None
        finally:
            if not process._started.done() or process._started.exception():
                await process.wait()
        return process

    @property
    def started_at(self) -> datetime:
        return self._started.result()

    def signal(self, number: int) -> None:
        """To the main process, from its parent. None once it has ended."""
        self._send({"do": "signal", "signal": int(number)})

    def kill(self) -> None:
        """SIGKILL to every process of the container."""
        self._send({"do": "kill"})

    async def wait(self) -> Ended:
        """The end of the main process, when no process is left and the log is complete."""
        ended = await asyncio.shield(self._ended)
        _, open_still = await asyncio.wait(self._pumps, timeout=DRAIN_SECONDS)
        for pump in open_still:
            pump.cancel()
        return ended

    async def exec(self, argv: Sequence[str], *, stdin: bool, tty: bool) -> Exec:
        """Start a process in a session of its own beside the main one. Raises StartError."""
        if self._ended.done():
            raise StartError("the container has ended")
        self._next_exec += 1
        number = self._next_exec
        ours, theirs = _terminal() if tty else _pipes()
        process = Exec(ours, kill=lambda: self._send({"do": "kill-exec", "id": number}))
        self._execs[number] = process
        try:
            self._send({"do": "exec", "id": number, "argv": list(argv), "tty": tty}, theirs)
        except OSError as error:  # a message that no socket takes
            process.did_start(error.errno or errno.E2BIG)
        finally:
            for fd in theirs:
                os.close(fd)
        if not stdin and not tty:
            await process.close_stdin()
        failed = await process.started()
        if failed:
            self._execs.pop(number, None)
            raise StartError(why_not_started(argv[0], failed, "exec in container"))
        return process

    def _send(self, message: dict[str, Any], files: Sequence[int] = ()) -> None:
        if self._ended.done():
            return
        try:
            socket.send_fds(self._control, [json.dumps(message).encode()], files)
        except ConnectionError:
            pass  # it ends just now, and says so

    def _on_message(self) -> None:
        try:
            data = self._control.recv(MAX_MESSAGE)
        except BlockingIOError:
            return
        except ConnectionError:
            data = b""
        if data:
            self._was_told(json.loads(data))
        else:
            self._gone()

    def _was_told(self, message: dict[str, Any]) -> None:
        match message["event"]:
            case "started":
                self.pid = message["pid"]
                self._started.set_result(_time(message["at"]))
            case "failed":
                why = why_not_started(self._launch.argv[0], message["errno"], "create container")
                self._started.set_exception(StartError(why))
            case "exec-started":
                self._execs[message["id"]].did_start(0)
            case "exec-failed":
                self._execs[message["id"]].did_start(message["errno"])
            case "exec-ended":
                self._execs.pop(message["id"]).did_end(message["code"])
            case "ended":
                self._end = Ended(message["code"], _time(message["at"]))

    def _gone(self) -> None:
        """The shim has exited: at the end of everything, or because somebody has killed it."""
        asyncio.get_running_loop().remove_reader(self._control)
        self._control.close()
        self._shim.wait()  # a moment: its files are closed last
        for process in self._execs.values():
            process.did_start(errno.ESRCH)
            process.did_end(-9)
        self._execs.clear()
        if not self._started.done():
            self._started.set_exception(StartError("the shim has exited before the start"))
        self._ended.set_result(self._end or Ended(-9, datetime.now(UTC)))


def why_not_started(program: str, number: int, what: str) -> str:
    """In the words of containerd and runc."""
    if number == errno.ENOENT and "/" not in program:
        why = "executable file not found in $PATH"
    elif number == errno.ENOENT:
        why = f"stat {program}: no such file or directory"
    else:
        why = os.strerror(number).lower()
    return (
        f"failed to {what}: OCI runtime create failed: unable to start container process: "
        f'exec: "{program}": {why}: unknown'
    )


def _popen(
    launch: Launch, control: socket.socket, stdout: int, stderr: int
) -> subprocess.Popen[bytes]:
    """The spec goes by an unnamed file: it holds secrets and may be large."""
    spec = os.memfd_create("spec")
    try:
        os.write(spec, json.dumps(asdict(launch)).encode())
        os.lseek(spec, 0, os.SEEK_SET)
        files = (control.fileno(), spec, stdout, stderr)
        return subprocess.Popen(
            (*SHIM_COMMAND, *map(str, files)),
            pass_fds=files,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env={},
        )
    finally:
        control.close()
        for fd in (spec, stdout, stderr):
            os.close(fd)


async def _pump(reader: PipeReader, stream: str, log: ContainerLog) -> None:
    try:
        while data := await reader.read():
            log.write(stream, data)
            await asyncio.sleep(0)  # a flood must not keep the loop to itself
    finally:
        reader.close()
        log.end_of(stream)


def _pipes() -> tuple[tuple[int, ...], tuple[int, ...]]:
    stdin, stdout, stderr = os.pipe(), os.pipe(), os.pipe()
    return (stdin[1], stdout[0], stderr[0]), (stdin[0], stdout[1], stderr[1])


def _terminal() -> tuple[tuple[int, ...], tuple[int, ...]]:
    ours, theirs = pty.openpty()
    return (ours,), (theirs,)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
