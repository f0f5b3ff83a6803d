"""A runner that a test plays behind the exec of support.api_server, frame by frame."""

from collections.abc import Awaitable, Callable
from typing import Any

from ccx_kube.link import Output, RunnerLink
from ccx_kube.session import KubeSession
from ccx_runner.frames import (
    RunnerFrame,
    SnapshotFrame,
    Stream,
)
from support.api_server import ExecEnd

Play = Callable[[ExecEnd], Awaitable[None]]


def a_snapshot(state: str = "Running", **fields: Any) -> SnapshotFrame:
    return SnapshotFrame({"v": 1, "state": state, **fields})


def an_output(offset: int, data: bytes) -> Output:
    return Output(offset, Stream.STDOUT, data)


def plays(*answers: Callable[[Any], tuple[RunnerFrame, ...]]) -> Play:
    """A runner that answers each request in turn, and then listens until the client goes."""

    async def run(end: ExecEnd) -> None:
        await end.send(a_snapshot())
        for answer in answers:
            await end.send(*answer(await end.request()))
        while True:
            await end.frame()

    return run


async def idle(end: ExecEnd) -> None:
    await plays()(end)


async def open_link(session: KubeSession, **options: Any) -> RunnerLink:
    return await RunnerLink.open(session, "ns", "p", **options)
