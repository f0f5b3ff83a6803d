"""Start the main process of the execution, and reap everything that ends (a PID 1's duty).

argv -> spawn() -> Child ... SIGCHLD -> reap() -> exit code of the child, and whether any is left
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

NICENESS = 10
"""Of everything the agent runs, so that control stays quick on a busy node."""

MAX_REAPED = 1000
"""Zombies in one go; then the event loop has its turn."""

_UNCATCHABLE = frozenset({signal.SIGKILL, signal.SIGSTOP})


class ExecError(Exception):
    """The program cannot be started; says which and why, and the exit code a shell would give."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True)
class Reaped:
    exit_code: int | None
    """The child's, if it was among them. Negative for a signal."""

    nobody_left: bool
    """We have no children. So nothing is left below us: every orphan becomes our child."""

    may_be_more: bool = False


class Child:
    """The main process: leader of a session and a group of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self.pid = process.pid

    @property
    def stdin(self) -> IO[bytes]:
        return _piped(self._process.stdin)

    @property
    def stdout(self) -> IO[bytes]:
        return _piped(self._process.stdout)

    @property
    def stderr(self) -> IO[bytes]:
        return _piped(self._process.stderr)

    def has_completed(self) -> bool:
        """It has ended, although it may not have been reaped yet."""
        if self._process.returncode is not None:
            return True
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, flags) is not None

    def send(self, number: signal.Signals) -> None:
        if self._process.returncode is None:  # else the pid may be somebody else's
            os.kill(self.pid, number)

    def send_to_group(self, number: signal.Signals) -> None:
        """The group may outlive its leader, and an empty one is no error."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def reap(self) -> Reaped:
        """Never blocks. Popen must not wait by itself: it would miss what was reaped here."""
        exit_code = None
        for _ in range(MAX_REAPED):
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return Reaped(exit_code, nobody_left=True)
            if pid == 0:
                return Reaped(exit_code, nobody_left=False)
            if pid == self.pid:
                exit_code = self._process.returncode = os.waitstatus_to_exitcode(status)
        return Reaped(exit_code, nobody_left=False, may_be_more=True)


def spawn(argv: Sequence[str], environment: Mapping[str, str], *, with_stdin: bool) -> Child:
    """Must be called before any other thread exists: raises ExecError.

    What runs between fork and exec is Python, in a copy of this process that has one thread:
    a lock that another one held would never be released there.
    """
    try:
        process = subprocess.Popen(
            argv,
            env=environment,
            bufsize=0,
            stdin=subprocess.PIPE if with_stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_become_the_agents,
        )
    except OSError as exc:
        raise _exec_failed(argv[0], environment, exc) from exc
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)
    return Child(process)


def _become_the_agents() -> None:
    """Nice, no signal blocked, none ignored: nothing of the supervisor's own ways is inherited."""
    os.nice(NICENESS)
    for number in signal.valid_signals() - _UNCATCHABLE:
        try:
            signal.signal(number, signal.SIG_DFL)
        except OSError:
            pass  # the C library keeps some of the real-time signals
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _exec_failed(program: str, environment: Mapping[str, str], exc: OSError) -> ExecError:
    is_path = "/" in program
    found = program if is_path else shutil.which(program, path=environment.get("PATH"))
    if isinstance(exc, FileNotFoundError) and found and Path(found).exists():
        return ExecError(f"{program}: the interpreter in its first line is not found", 127)
    if isinstance(exc, (FileNotFoundError, NotADirectoryError)):
        return ExecError(f"{program}: not found" + ("" if is_path else " on PATH"), 127)
    if isinstance(exc, PermissionError):
        return ExecError(f"{program}: is not an executable file", 126)
    return ExecError(f"{program}: cannot be started: {exc.strerror}", 126)


def _piped(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RuntimeError("the pipe was not asked for")
    return pipe
