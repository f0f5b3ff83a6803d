"""A server of the local stack as a child process: started, awaited, and always ended."""

import ctypes
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
END_SECONDS = 60
LOG_TAIL = 2000


class StackError(Exception):
    """Something of the local stack did not start or did not do its work. For people."""


class Child:
    """Its stderr goes to a log file. If it says so on stdout, it is awaited until `ready ...`."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        ready_seconds: float | None = 90,
    ) -> None:
        self.name, self.log = name, log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [*argv],
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,  # Ctrl-C is for us alone: we end them in order
                preexec_fn=_end_with_parent,
            )
        self.said, self._heard = "", b""
        if ready_seconds is not None:
            self.said = self.until_said("ready", ready_seconds)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def kill(self) -> None:
        """SIGKILL, as a crash: nothing is tidied up."""
        self._process.kill()
        self._reap()

    def end(self) -> int:
        """TERM, and KILL for one that does not listen. Safe to call again. The exit code."""
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
        return self._reap()

    def wait(self, seconds: float) -> int:
        """For one that ends by itself. The exit code."""
        self._process.wait(seconds)
        return self._reap()

    def _reap(self) -> int:
        if self._process.stdout is not None:
            self._process.stdout.close()
        return self._process.wait()

    def until_said(self, word: str, seconds: float) -> str:
        """What stands behind that word, once it begins a line. Otherwise it is ended."""
        try:
            return self._wait_until_said(word, time.monotonic() + seconds)
        except BaseException:
            self.end()
            raise

    def _wait_until_said(self, word: str, deadline: float) -> str:
        stdout = self._process.stdout
        assert stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(stdout, selectors.EVENT_READ)
            while (left := deadline - time.monotonic()) > 0:
                if not selector.select(left):
                    continue
                piece = _read_some(stdout)
                self._heard += piece
                for line in self._heard.decode(errors="replace").splitlines(keepends=True):
                    if line.startswith(word) and line.endswith("\n"):
                        return line.removeprefix(word).strip()
                if not piece:
                    break
        what = "did not start" if word == "ready" else f"did not say {word}"
        raise StackError(f"{self.name} {what}; the end of {self.log}:\n{self.log_tail()}")

    def log_tail(self) -> str:
        text = self.log.read_text(encoding="utf-8", errors="replace") if self.log.exists() else ""
        return text[-LOG_TAIL:]


def _read_some(stream: IO[bytes]) -> bytes:
    return os.read(stream.fileno(), 65_536)


def _end_with_parent() -> None:
    """A child outlives even a SIGKILL of its parent by no more than its own tidying up."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
