"""Servers that forward what a local source prints, each measured alone: ours and the baselines.

source.py -> gateway | raw relay | naive relay | websocketd -> sink.py

Three processes: the CPU time is the server's alone, and clients that discard cost it nothing.
"""

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Final

import bench.sink
import bench.source
from bench.played import played_cluster
from bench.sink import Order
from bench.source import LINE_BYTES
from bench.usage import cpu_seconds, peak_mib
from ccx_dev.child import Child, StackError

PYTHON: Final = sys.executable
WAIT_SECONDS: Final = 300.0
LISTEN_SECONDS: Final = 10.0
NO_LIMIT: Final = 1 << 50
ATTACH: Final = json.dumps(
    {"jsonrpc": "2.0", "id": 1, "method": "attach", "params": {"execution": "x", "offset": 0}}
)
_SHORT_FRAME: Final = LINE_BYTES - 1 + 2
"""Of websocketd: a line without its newline, behind a header of two bytes."""

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Server:
    child: Child
    source: str | None
    """The port or the pipe that it reads. None: it starts the source by itself."""

    order: Callable[[int], Order]
    """What one client that reads it all is told, by the size of the output."""


@dataclass(frozen=True, slots=True)
class Sample:
    lines: float
    """That all readers together were sent."""

    seconds: float
    cpu: float
    growth: float
    """MiB that the peak of the memory rose by."""

    stamps: tuple[float, ...]
    """Milliseconds from the print of a line to its reader."""

    @property
    def megabytes(self) -> float:
        return self.lines * LINE_BYTES / 1e6


@dataclass(frozen=True, slots=True)
class Local:
    """`with local(directory) as local`: what the servers of one group of rows share."""

    directory: Path
    kubeconfig: Path

    @property
    def log(self) -> Path:
        return self.directory / "servers.log"

    @contextmanager
    def gateway(self, output: str = "chunks", *, pipe: bool = False) -> Iterator[Server]:
        """`pipe`: that the source is read from one, and not over TCP."""
        argv = [PYTHON, "-m", "bench.local_gateway", *self._pipe(pipe)]
        with running(argv, self.log, env={"KUBECONFIG": str(self.kubeconfig)}) as child:
            url, source = child.said.split()
            path = f"/ws/mcp?output={output}"

            def order(size: int) -> Order:
                end = f'"end":{size}'
                return Order(int(url.rpartition(":")[2]), path, ATTACH, end=end, bytes=size)

            yield Server(child, source, order)

    @contextmanager
    def relay(self, *, pipe: bool = False) -> Iterator[Server]:
        argv = [PYTHON, "-m", "bench.baselines.relay", *self._pipe(pipe)]
        with running(argv, self.log) as child:
            source, sinks = child.said.split()
            yield Server(child, source, lambda size: Order(int(sinks), bytes=size))

    @contextmanager
    def naive(self) -> Iterator[Server]:
        with running([PYTHON, "-m", "bench.baselines.naive"], self.log) as child:
            source, port = child.said.split()

            def order(size: int) -> Order:
                return Order(int(port), "/", "attach", end=f'"end": {size}', bytes=size)

            yield Server(child, source, order)

    def _pipe(self, wanted: bool) -> list[str]:
        if not wanted:
            return []
        path = self.directory / f"pipe-{next(_numbers)}"
        path.unlink(missing_ok=True)  # of an earlier run
        os.mkfifo(path)
        return [str(path)]

    @contextmanager
    def websocketd(self, size: int) -> Iterator[Server]:
        """It starts a source for each client."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        source = [PYTHON, bench.source.__file__, str(size), str(self.directory / "leave")]
        options = [f"--port={port}", "--address=127.0.0.1", "--loglevel=error"]
        with running(["websocketd", *options, *source], self.log, ready=False) as child:
            until_listening(port)
            frames = size // LINE_BYTES * _SHORT_FRAME
            yield Server(child, None, lambda _: Order(port, "/", bytes=frames))

    def measure(
        self,
        server: Server,
        size: int,
        *,
        clients: int = 1,
        stalled: int = 0,
        trickling: int = 0,
        per_second: float | None = None,
    ) -> Sample:
        order = server.order(size)
        order.clients, order.stalled, order.trickling = clients, stalled, trickling
        order.stamps = per_second is not None
        leave = self.directory / "leave"
        leave.unlink(missing_ok=True)
        with ExitStack() as ends:
            words = [PYTHON, bench.sink.__file__, json.dumps(asdict(order))]
            sink = ends.enter_context(running(words, self.log))
            if server.source is not None:
                words = [PYTHON, bench.source.__file__, str(size), str(leave)]
                words += [server.source] + ([str(per_second)] if per_second else [])
                ends.enter_context(running(words, self.log, ready=False))
            pid = server.child.pid
            cpu, peak = cpu_seconds(pid), peak_mib(pid)
            leave.write_text(str(NO_LIMIT), encoding="utf-8")
            found = json.loads(sink.until_said("done", WAIT_SECONDS))
            cpu, peak = cpu_seconds(pid) - cpu, peak_mib(pid) - peak
        lines = size / LINE_BYTES * clients
        return Sample(lines, found["seconds"], cpu, peak, tuple(found["stamps"]))


@contextmanager
def local(directory: Path) -> Iterator[Local]:
    directory.mkdir(parents=True, exist_ok=True)
    with played_cluster(directory) as kubeconfig:
        yield Local(directory, kubeconfig)


@contextmanager
def running(
    argv: list[str], log: Path, *, env: dict[str, str] | None = None, ready: bool = True
) -> Iterator[Child]:
    child = Child(Path(argv[0]).name, argv, log=log, env=env, ready_seconds=30 if ready else None)
    try:
        yield child
    finally:
        child.end()


def has_websocketd() -> bool:
    return shutil.which("websocketd") is not None


def until_listening(port: int) -> None:
    deadline = time.monotonic() + LISTEN_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise StackError(f"nobody listens at port {port}") from None
            time.sleep(0.05)
        else:
            return
