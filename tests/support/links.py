"""A runner's link server with a recording control, and a client that speaks frames to it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import ccx_runner
from ccx_runner.back_pressure import AWAY_SECONDS
from ccx_runner.frames import (
    ClientFrame,
    Credit,
    End,
    Gap,
    Output,
    Read,
    Reply,
    RunnerFrame,
    SnapshotFrame,
    encode,
    runner_frames,
)
from ccx_runner.greeting import greeting
from ccx_runner.link_server import SOCKET_NAME, LinkServer
from ccx_runner.snapshot import Snapshot
from ccx_runner.snapshot_json import to_object
from ccx_runner.spool import Spool
from ccx_runner.wishes import Refused, Wish

LINK_PROGRAM = Path(ccx_runner.__file__).parent / "link.py"


class RecordingControl:
    """Carries out every verb at once, except that it refuses to resume; a pause may be held up."""

    def __init__(self) -> None:
        self.asked = asyncio.Queue[tuple[str, Wish | None]]()
        self.may_pause = asyncio.Event()
        self.may_pause.set()
        self.state = Snapshot(state="Running", generation=1)

    async def pause(self, wish: Wish | None) -> None:
        self.state = Snapshot(state="Paused", generation=wish.generation if wish else 1)
        self.asked.put_nowait(("pause", wish))
        await self.may_pause.wait()

    async def resume(self, wish: Wish | None) -> None:
        self.asked.put_nowait(("resume", wish))
        raise Refused("stale generation")

    async def cancel(self, wish: Wish | None) -> None:
        self.asked.put_nowait(("cancel", wish))

    async def interrupt(self) -> None:
        raise RuntimeError("s3cr3t")

    def snapshot(self) -> Snapshot:
        return self.state


def the_first_snapshot(state: Snapshot) -> SnapshotFrame:
    """Of a link: with what its runner speaks."""
    return SnapshotFrame({**to_object(state), "link": greeting()})


@dataclass
class Runner:
    """What a test needs of the runner's side."""

    run_dir: Path
    spool: Spool
    control: RecordingControl
    server: LinkServer
    moved: list[Callable[[], None]]
    """Called when a reader has moved, come or gone."""


@asynccontextmanager
async def a_runner(
    run_dir: Path,
    *,
    capacity: int = 64 * 1024 * 1024,
    may_connect: Callable[[int], bool] = lambda _: True,
    lease_seconds: float = 30.0,
    return_seconds: float = 5.0,
    away_seconds: float = AWAY_SECONDS,
) -> AsyncIterator[Runner]:
    moved: list[Callable[[], None]] = []
    spool, control = Spool(run_dir / "spool", capacity=capacity), RecordingControl()
    server = LinkServer(
        spool,
        control,
        may_connect=may_connect,
        lease_seconds=lease_seconds,
        return_seconds=return_seconds,
        away_seconds=away_seconds,
        moved=lambda: _call(moved),
    )
    await server.start(run_dir)
    try:
        yield Runner(run_dir, spool, control, server, moved)
    finally:
        await server.close()
        spool.close()


@dataclass
class Client:
    """One link. `frames` holds what was read and not yet looked at."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    frames: list[RunnerFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._decoder = runner_frames()

    def send(self, *frames: ClientFrame) -> None:
        self.writer.write(b"".join(map(encode, frames)))

    async def next(self) -> RunnerFrame | None:
        """None: the runner has ended the link."""
        while not self.frames:
            data = await self.reader.read(65_536)
            if not data:
                return None
            self.frames += self._decoder.feed(data)
        return self.frames.pop(0)

    async def reply(self) -> Reply:
        """The next reply; what comes before it is passed over."""
        while not isinstance(frame := await self.next(), Reply):
            assert frame is not None
        return frame

    async def snapshot(self) -> SnapshotFrame:
        while not isinstance(frame := await self.next(), SnapshotFrame):
            assert frame is not None
        return frame

    async def follow(self, offset: int = 0, *, credit: int = 256 * 1024) -> list[Output | Gap]:
        """Read to the end, granting again what was taken."""
        self.send(Read("follow", offset), Credit(credit))
        found: list[Output | Gap] = []
        while not isinstance(frame := await self.next(), End):
            assert frame is not None
            if isinstance(frame, (Output, Gap)):
                found.append(frame)
            if isinstance(frame, Output):
                self.send(Credit(len(frame.data)))
        return found


@asynccontextmanager
async def a_client(runner: Runner) -> AsyncIterator[Client]:
    """Straight to the socket."""
    reader, writer = await asyncio.open_unix_connection(runner.run_dir / SOCKET_NAME)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


@asynccontextmanager
async def a_link_program(
    run_dir: Path, *, runner_pid: int | None = None
) -> AsyncIterator[tuple[asyncio.subprocess.Process, Client]]:
    """Through the program that pod exec runs, as a process."""
    pid = os.getpid() if runner_pid is None else runner_pid
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", LINK_PROGRAM),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"CCX_RUN_DIR": str(run_dir), "CCX_RUNNER_PID": str(pid)},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process, Client(process.stdout, process.stdin)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def until(is_true: Callable[[], bool]) -> None:
    """For a caller with a time limit of its own."""
    while not is_true():  # noqa: ASYNC110 - what is waited for tells nobody
        await asyncio.sleep(0.001)


def _call(everybody: list[Callable[[], None]]) -> None:
    for call in everybody:
        call()
