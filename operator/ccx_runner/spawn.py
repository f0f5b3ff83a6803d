"""Start the main process of the execution, if need be frozen before its first instruction.

fork -> own session, nice, clean signals -> (frozen: stop itself) -> exec
                                            exec failed -> its errno through a pipe
"""

import errno
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Literal, NoReturn

from ccx_runner.child import Child, ExecError, Pipes

NICENESS = 10
"""Of everything the agent runs, so that control stays quick on a busy node."""

_UNCATCHABLE = frozenset({signal.SIGKILL, signal.SIGSTOP})
_ERRNO_BYTES = 16


def spawn(
    argv: Sequence[str],
    environment: Mapping[str, str],
    *,
    with_stdin: bool,
    frozen: bool = False,
) -> Child:
    """Start the program, or raise ExecError.

    `frozen`: return once the process has stopped itself where its next step is the program's
    exec. None of the program's instructions has run, and SIGCONT is all that it waits for.

    Must not be called while other threads exist. What runs between fork and exec is Python, in
    a copy of this process that has one thread: a lock that another one held would never be
    released there.
    """
    stdin = os.pipe() if with_stdin else (os.open(os.devnull, os.O_RDONLY), -1)
    stdout, stderr = os.pipe(), os.pipe()
    theirs = (stdin[0], stdout[1], stderr[1])
    failure = _ExecFailure(argv[0], environment)
    pid = os.fork()
    if pid == 0:
        _become(argv, environment, theirs, failure, frozen=frozen)
    for end in theirs:
        os.close(end)
    failure.close_theirs()
    if frozen:
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
    elif (error := failure.read()) is not None:  # waits for the exec, which closes the pipe
        os.waitpid(pid, 0)
        raise error
    pipes = Pipes(_ours(stdin[1], "wb") if with_stdin else None, _ours(stdout[0]), _ours(stderr[0]))
    return Child(pid, pipes, failure.read)


def _ours(end: int, mode: Literal["rb", "wb"] = "rb") -> IO[bytes]:
    os.set_blocking(end, False)
    return os.fdopen(end, mode, buffering=0)


class _ExecFailure:
    """The way back for the errno of a failed exec; a good one closes it."""

    def __init__(self, program: str, environment: Mapping[str, str]) -> None:
        self._program, self._environment = program, environment
        self._read_end, self._write_end = os.pipe()

    def close_theirs(self) -> None:
        os.close(self._write_end)

    def read(self) -> ExecError | None:
        """Waits until the child has called exec or has ended. Once."""
        if self._read_end < 0:
            return None
        told = os.read(self._read_end, _ERRNO_BYTES)
        os.close(self._read_end)
        self._read_end = -1
        if not told:
            return None
        exc = OSError(int(told), os.strerror(int(told)))
        return _exec_failed(self._program, self._environment, exc)

    def tell(self, exc: OSError | ValueError) -> None:
        number = exc.errno if isinstance(exc, OSError) else errno.EINVAL  # an empty name
        os.write(self._write_end, str(number).encode())


def _become(
    argv: Sequence[str],
    environment: Mapping[str, str],
    standard: Sequence[int],
    failure: _ExecFailure,
    *,
    frozen: bool,
) -> NoReturn:
    """In the child. Whatever happens here, it never returns to the runner's own work."""
    try:
        os.setsid()
        for number, end in enumerate(standard):
            os.dup2(end, number)
        _inherit_nothing_else()
        _become_the_agents()
        if frozen:
            os.kill(os.getpid(), signal.SIGSTOP)
        os.execvpe(argv[0], tuple(argv), environment)  # noqa: S606 - argv, never a shell string
    except (OSError, ValueError) as exc:
        failure.tell(exc)
    finally:
        os._exit(127)


def _inherit_nothing_else() -> None:
    """Python's own descriptors are not inherited; those that the runner was started with are."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not paths
        if int(name) > 2:
            try:
                os.set_inheritable(int(name), False)
            except OSError:
                pass  # the listing's own


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
