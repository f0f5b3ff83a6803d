"""The main process of the execution, and the reaping of everything that ends (a PID 1's duty).

spawn() -> Child ... SIGCHLD -> reap() -> exit code of the child, and whether any is left
"""

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Protocol

MAX_REAPED = 1000
"""Zombies in one go; then the event loop has its turn."""


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


@dataclass(frozen=True, slots=True)
class Pipes:
    """Our ends. They do not block."""

    stdin: IO[bytes] | None
    stdout: IO[bytes]
    stderr: IO[bytes]


class Child:
    """The main process: leader of a session and a group of its own."""

    def __init__(
        self,
        pid: int,
        pipes: Pipes,
        exec_error: Callable[[], "ExecError | None"],
    ) -> None:
        """`exec_error` is asked once it has ended."""
        self.pid, self.pipes = pid, pipes
        self.exec_error: ExecError | None = None
        """Why it never became the program: known only at its end, where it began frozen."""

        self._ask_exec_error = exec_error
        self._exit_code: int | None = None

    def has_completed(self) -> bool:
        """It has ended, although it may not have been reaped yet."""
        if self._exit_code is not None:
            return True
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        return os.waitid(os.P_PID, self.pid, flags) is not None

    def send(self, number: signal.Signals) -> None:
        if self._exit_code is None:  # else the pid may be somebody else's
            os.kill(self.pid, number)

    def send_to_group(self, number: signal.Signals) -> None:
        """The group may outlive its leader, and an empty one is no error."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            pass

    def send_to_own_group(self, number: signal.Signals) -> None:
        """Not once the leader has been reaped: the group may be somebody else's by then."""
        if self._exit_code is None:
            self.send_to_group(number)

    def reap(self) -> Reaped:
        """Never blocks."""
        exit_code = None
        for _ in range(MAX_REAPED):
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return Reaped(exit_code, nobody_left=True)
            if pid == 0:
                return Reaped(exit_code, nobody_left=False)
            if pid == self.pid:
                exit_code = self._ended(os.waitstatus_to_exitcode(status))
        return Reaped(exit_code, nobody_left=False, may_be_more=True)

    def _ended(self, exit_code: int) -> int:
        self.exec_error = self._ask_exec_error()
        self._exit_code = self.exec_error.exit_code if self.exec_error else exit_code
        return self._exit_code


class SecondRun(Protocol):
    """Starts another main process after the first. Raises ExecError or OSError."""

    def __call__(self, *, frozen: bool) -> Child: ...
