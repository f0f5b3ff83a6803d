"""The parent of one container: starts its processes, reaps them and leaves none behind.

kubelet -> socket: signal, kill, exec, kill-exec -> shim -> main process, exec'd processes
kubelet <- socket: started | failed, exec-started | exec-failed, exec-ended, ended <- shim

Run as `python3 -I -S shim.py SOCKET SPEC STDOUT STDERR` (numbers of inherited files). It is the
child subreaper, so whatever a process of the container does, it stays a descendant of the shim.
The container ends with its main process, and with the kubelet: then the socket ends.
"""

import ctypes
import json
import os
import select
import signal
import socket
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
TIOCSCTTY = 0x540E
MAX_MESSAGE = 256 * 1024
LIBC = ctypes.CDLL(None, use_errno=True)


class Shim:
    def __init__(self, control: socket.socket, spec: dict) -> None:  # type: ignore[type-arg]
        self._control, self._spec = control, spec
        self._main = 0
        self._code: int | None = None
        self._execs: dict[int, int] = {}
        self._doomed: set[int] = set()
        self._over = False
        """The kubelet has gone, or wants every process of the container gone."""

    def run(self, stdout: int, stderr: int) -> None:
        with open(os.devnull) as stdin:  # noqa: PTH123 - keeps the start of every container short
            try:
                self._main = self._spawn(self._spec["argv"], (stdin.fileno(), stdout, stderr))
            except (OSError, ValueError) as error:
                return self._tell(event="failed", **_told(error))
        os.close(stdout)
        os.close(stderr)
        self._tell(event="started", pid=self._main, at=time.time())
        self._serve()
        self._sweep()
        return self._tell(event="ended", code=self._code, at=time.time())

    def _serve(self) -> None:
        wakeup, wakes = socket.socketpair()
        for end in (wakeup, wakes):
            end.setblocking(False)
        signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        poll = select.poll()
        for end in (wakeup, self._control):
            poll.register(end, select.POLLIN)
        self._reap(os.WNOHANG)  # who died before the handler was there
        while self._code is None and not self._over:
            ready = {fd for fd, _ in poll.poll()}
            if wakeup.fileno() in ready:
                wakeup.recv(4096)
            if self._control.fileno() in ready:
                self._obey()
            self._reap(os.WNOHANG)
            self._kill_doomed()
        signal.set_wakeup_fd(-1)

    def _on_signal(self, number: int, _: object) -> None:
        self._over |= number == signal.SIGTERM

    def _obey(self) -> None:
        try:
            data, files, *_ = socket.recv_fds(self._control, MAX_MESSAGE, 3, _CLOEXEC)
        except ConnectionError:
            data, files = b"", []
        if not data:
            self._over = True
            return
        message = json.loads(data)
        match message["do"]:
            case "signal":
                os.kill(self._main, message["signal"])
            case "kill":
                self._over = True
            case "exec":
                self._exec(message, files)
            case "kill-exec":
                self._doomed |= {pid for pid, n in self._execs.items() if n == message["id"]}

    def _exec(self, message: dict, files: list[int]) -> None:  # type: ignore[type-arg]
        try:
            stdin, stdout, stderr = files if len(files) == 3 else files * 3
            pid = self._spawn(message["argv"], (stdin, stdout, stderr), message["tty"])
        except (OSError, ValueError) as error:
            self._tell(event="exec-failed", id=message["id"], **_told(error))
        else:
            self._execs[pid] = message["id"]
            self._tell(event="exec-started", id=message["id"])
        finally:
            for file in files:
                os.close(file)

    def _spawn(self, argv: list[str], files: tuple[int, int, int], terminal: bool = False) -> int:
        """Fork and exec; an OSError of the exec is raised here."""
        shim, (broken, breaks) = os.getpid(), os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                self._become(argv, files, terminal, shim)
            except OSError as error:
                os.write(breaks, str(error.errno).encode())
            except ValueError:  # a NUL in an argument or in the environment
                os.write(breaks, b"22")
            finally:
                os._exit(128)
        os.close(breaks)
        errno = os.read(broken, 16)
        os.close(broken)
        if errno:
            os.waitpid(pid, 0)
            raise OSError(int(errno), os.strerror(int(errno)))
        return pid

    def _become(
        self, argv: list[str], files: tuple[int, int, int], terminal: bool, shim: int
    ) -> None:
        os.setsid()
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != shim:
            os._exit(128)
        env = self._spec["env"]
        if self._main:
            env = {**env, "CCX_RUNNER_PID": str(self._main)}
        for number, file in enumerate(files):
            os.dup2(file, number)
        if terminal:
            import fcntl

            fcntl.ioctl(0, TIOCSCTTY, 0)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            if signal.getsignal(number) is not None:  # None: the C library's own
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.umask(0o022)
        os.chdir(self._spec["cwd"])
        os.execvpe(argv[0], argv, env)

    def _reap(self, options: int) -> bool:
        """Reap who has died. False if there is no child at all any more."""
        while True:
            try:
                pid, status = os.waitpid(-1, options)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self._died(pid, os.waitstatus_to_exitcode(status))
            options = os.WNOHANG

    def _died(self, pid: int, code: int) -> None:
        if pid == self._main:
            self._code = code
        elif pid in self._execs:
            self._doomed.add(pid)  # what an exec leaves behind in its session ends with it
            self._tell(event="exec-ended", id=self._execs.pop(pid), code=code)

    def _kill_doomed(self) -> None:
        """Kill the sessions of ended execs. Every death wakes us, so what was missed comes again.

        A session's number is its leader's pid, and is not used anew while the session has members.
        """
        mine = _children(os.getpid()) if self._doomed else []
        for session in list(self._doomed):
            tree = [pid for pid in mine if _session(pid) == session]
            for pid in tree:
                tree += _children(pid)  # while it grows: the whole subtree
                _kill(pid)
            if not tree:
                self._doomed.discard(session)

    def _sweep(self) -> None:
        """Kill children until there is none: orphans become children, so this gets everybody."""
        while True:
            children = _children(os.getpid())
            for pid in children:
                _kill(pid)
            if not self._reap(0 if children else os.WNOHANG):
                return

    def _tell(self, **message: object) -> None:
        try:
            self._control.send(json.dumps(message).encode())
        except OSError:
            self._over = True


_CLOEXEC = getattr(socket, "MSG_CMSG_CLOEXEC", 0)


def _told(error: OSError | ValueError) -> dict[str, object]:
    return {"errno": error.errno} if isinstance(error, OSError) else {"errno": 22}


def _children(pid: int) -> list[int]:
    """The living and dead children of all threads of a process, without a scan of all processes."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            with open(f"/proc/{pid}/task/{thread}/children") as file:  # noqa: PTH123
                found += map(int, file.read().split())
    except (FileNotFoundError, ProcessLookupError):
        pass  # it has gone
    return found


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def main() -> None:
    files = [int(number) for number in sys.argv[1:5]]
    for number in files:
        os.set_inheritable(number, False)
    control, spec, stdout, stderr = files
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)
    with os.fdopen(spec, encoding="utf-8") as file:
        shim = Shim(socket.socket(fileno=control), json.load(file))
    shim.run(stdout, stderr)
    os._exit(0)  # at once: the kubelet waits for it when it sees the socket end


if __name__ == "__main__":
    main()
