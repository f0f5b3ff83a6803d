"""A real `ccx-runner run` in a process of its own, driven as a kubelet and a gateway drive it."""

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ccx_runner.frames import (
    Credit,
    Read,
    Reply,
    Request,
    RunnerFrame,
    SnapshotFrame,
    Verb,
    encode,
    runner_frames,
)
from support.outside import Seen, below, marked
from support.waiting import eventually

SOURCES = Path(__file__).parents[2] / "operator"
ANSWER_SECONDS = 60
Json = dict[str, Any]


class Link:
    """A client of the runner's socket."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(ANSWER_SECONDS)
        self._socket.connect(str(path))
        self._decoder = runner_frames()
        self._frames: Iterator[RunnerFrame] = iter(())
        self._next_id = 0

    def close(self) -> None:
        self._socket.close()

    def frame(self) -> RunnerFrame:
        while True:
            for frame in self._frames:
                return frame
            data = self._socket.recv(65536)
            assert data, "the runner has closed the link"
            self._frames = self._decoder.feed(data)

    def follow(self, offset: int) -> None:
        self._socket.sendall(encode(Read(0, offset)))

    def credit(self, count: int) -> None:
        self._socket.sendall(encode(Credit(count)))

    def send_raw(self, data: bytes) -> None:
        self._socket.sendall(data)

    def send(self, verb: Verb, wish: Json | None = None) -> int:
        self._next_id += 1
        self._socket.sendall(encode(Request(verb, self._next_id, wish)))
        return self._next_id

    def reply(self) -> Reply:
        while not isinstance(frame := self.frame(), Reply):
            pass
        return frame

    def ask(self, verb: Verb, wish: Json | None = None) -> Json:
        """The snapshot in the reply to a verb that must succeed."""
        self.send(verb, wish)
        reply = self.reply()
        assert reply.error is None, reply.error
        assert reply.snapshot is not None
        return reply.snapshot

    def refusal(self, verb: Verb, wish: Json | None = None) -> str:
        self.send(verb, wish)
        reply = self.reply()
        assert reply.error is not None, "was not refused"
        return reply.error

    def snapshot(self) -> Json:
        while not isinstance(frame := self.frame(), SnapshotFrame):
            pass
        return frame.snapshot


@dataclass
class RunnerProcess:
    process: "subprocess.Popen[bytes]"
    directory: Path
    mark: str
    links: list[Link] = field(default_factory=list)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def run_dir(self) -> Path:
        return self.directory / "run"

    @property
    def stdout(self) -> str:
        return (self.directory / "stdout").read_text()

    @property
    def stderr(self) -> str:
        return (self.directory / "stderr").read_text()

    def link(self) -> Link:
        link = Link(self.run_dir / "link.sock")
        self.links.append(link)
        return link

    def last_words(self) -> Json:
        """The termination message: its first line, as a reader takes it. While the runner writes,
        the rest of a longer one before it may still stand behind it.
        """
        first, newline, _ = (self.directory / "termination-log").read_text().partition("\n")
        assert newline == "\n"
        words: Json = json.loads(first)
        return words

    def ended(self, seconds: float = 60) -> Json:
        """Wait for its exit, and return its last words."""
        self.process.wait(seconds)
        return self.last_words()

    def survivors(self) -> list[Seen]:
        return marked(self.mark)

    def wait_for_output(self, text: str) -> None:
        eventually(lambda: text in self.stdout, what=f"{text!r} in the output {self.stdout!r}")

    def one_shot(self, action: str) -> "subprocess.CompletedProcess[str]":
        """As a person types it in the container."""
        environment = {"CCX_RUN_DIR": str(self.run_dir), "CCX_RUNNER_PID": str(self.pid)}
        return subprocess.run(
            [sys.executable, "-m", "ccx_runner", action],
            env={"PYTHONPATH": str(SOURCES), **environment},
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            check=False,
        )


def python(program: str) -> list[str]:
    """The argv of a small program."""
    return [sys.executable, "-I", "-S", "-u", "-c", program]


@contextmanager
def a_runner(
    directory: Path,
    argv: Sequence[str],
    *,
    options: Sequence[str] = (),
    wish: Json | None = None,
    runner: Sequence[str] = (sys.executable, "-m", "ccx_runner"),
    environment: dict[str, str] | None = None,
    without_capabilities: bool = False,
    open_descriptors: int = 0,
) -> Iterator[RunnerProcess]:
    """End everything in the end, whatever has happened.

    `open_descriptors`: how many beside its three streams the runner is started with.
    """
    mark = f"CX_MARK_{uuid.uuid4().hex}"
    (directory / "run").mkdir()
    given = [*options, *(("--wish", json.dumps(wish)) if wish else ())]
    with (
        (directory / "stdout").open("wb") as out,
        (directory / "stderr").open("wb") as err,
        ExitStack() as files,
    ):
        more = [files.enter_context(Path(os.devnull).open("rb")) for _ in range(open_descriptors)]
        process = subprocess.Popen(
            [*runner, "run", "--grace", "1", "--drain", "1", *given, "--", *argv],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            pass_fds=[file.fileno() for file in more],
            preexec_fn=_drop_capabilities if without_capabilities else None,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(SOURCES),
                mark: "1",
                "CCX_RUN_DIR": str(directory / "run"),
                "CCX_TERMINATION_LOG": str(directory / "termination-log"),
                **(environment or {}),
            },
        )
    started = RunnerProcess(process, directory, mark)
    try:
        eventually(lambda: _has_started(started), what="start")
        yield started
    finally:
        for link in started.links:
            link.close()
        _end(started)


def _end(runner: RunnerProcess) -> None:
    """By the runner's own means first: a killed runner could leave what no list of pids catches."""
    left = below(runner.pid)
    runner.process.terminate()
    try:
        runner.process.wait(ANSWER_SECONDS)
    except subprocess.TimeoutExpired:
        runner.process.kill()
        runner.process.wait()
    for survivor in {s.pid for s in [*left, *marked(runner.mark)]}:
        if runner.mark.encode() in _environment(survivor):
            with suppress(ProcessLookupError):
                os.kill(survivor, signal.SIGKILL)


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


def _drop_capabilities() -> None:
    """As in a pod: the agent has the runner's uid, and neither of them any privilege."""
    pr_capbset_drop, capabilities = 24, 64
    libc = ctypes.CDLL(None)
    for capability in range(capabilities):
        libc.prctl(pr_capbset_drop, capability, 0, 0, 0)


def _has_started(runner: RunnerProcess) -> bool:
    log = runner.directory / "termination-log"
    if runner.process.poll() is not None:
        return True
    return log.exists() and bool(log.read_text()) and runner.last_words()["state"] != "Starting"
