"""One execution as the demo drives and follows it.

gateway (WebSocket) ── execute, control; output by offsets ──┐
API server ── the object's status ───────────────────────────┼─> Narrator
pod exec ── the loop's ticks ────────────────────────────────┘
"""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self

from ccx_api.names import AGENT_CONTAINER, GROUP, PLURAL, VERSION, WORKSPACE_DIR
from ccx_api.status import ExecutionStatus
from ccx_dev.child import StackError
from ccx_dev.narrator import Narrator, told_by_claude
from ccx_dev.stack import Stack
from ccx_dev.wire import Object, Wire, connected
from ccx_kube.errors import ApiError
from ccx_kube.exec_channel import ExecChannel, Stdout
from ccx_kube.session import KubeSession

STEP_SECONDS = 60
LOOK_SECONDS = 0.05
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


class Execution:
    def __init__(self, stack: Stack, session: KubeSession, name: str, narrator: Narrator) -> None:
        self.ticks = 0
        """How many times its loop has been seen to tick."""

        self._stack, self._session, self._narrator = stack, session, narrator
        self._path = f"/apis/{GROUP}/{VERSION}/namespaces/default/{PLURAL}/{name}"
        self._told, self._line = "", ""
        self._wire: Wire | None = None
        self._completed, self._tick = asyncio.Event(), asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def start(
        cls, stack: Stack, narrator: Narrator, *, name: str, **params: Any
    ) -> AsyncIterator[Self]:
        """By `execute`, whose answer comes once the process runs."""
        async with AsyncExitStack() as ends:
            opening = await KubeSession.from_environment(str(stack.kubeconfig))
            session = await ends.enter_async_context(opening)
            execution = cls(stack, session, name, narrator)
            wire = await ends.enter_async_context(connected(stack.websocket, execution._heard))
            execution._wire = wire
            narrator.say("execute", f"over the WebSocket: name {name}, with a prompt")
            starting = asyncio.create_task(wire.call("execute", name=name, **params))
            ends.callback(starting.cancel)
            await execution.reaches("Running")
            async with _in_time("the answer to execute"):
                started = await starting
            narrator.say("started", f"pid {started['pid']} in pod {started['pod']}")
            ticking = asyncio.create_task(execution._follow_ticks(started["pod"]))
            ends.push_async_callback(asyncio.wait, [ticking])
            ends.callback(ticking.cancel)
            yield execution

    async def control(self, kind: str) -> Object:
        """The answer has the proof."""
        assert self._wire is not None
        async with _in_time(kind):
            return await self._wire.call("control", type=kind)

    async def status(self) -> ExecutionStatus:
        try:
            found = await self._session.request("GET", self._path)
        except ApiError as exc:
            if not exc.is_not_found:
                raise
            return ExecutionStatus()  # not made yet
        return ExecutionStatus.model_validate(found.get("status", {}))

    async def reaches(self, *phases: str) -> ExecutionStatus:
        """Tell of every change of the status until one of the phases."""
        async with _in_time(f"the phase {' or '.join(phases)}"):
            while True:
                status = await self.status()
                told = f"{status.phase:<9} {status.reason}"
                if status.reason and told != self._told:
                    self._told = told
                    self._narrator.say("status", f"{told}  {status.message}".rstrip())
                if status.phase in phases:
                    return status
                if status.phase.is_terminal:
                    raise StackError(f"{status.phase}/{status.reason}: {status.message}")
                await asyncio.sleep(LOOK_SECONDS)

    async def ticked(self, count: int) -> None:
        async with _in_time(f"tick {count}"):
            while self.ticks < count:
                self._tick.clear()
                await self._tick.wait()

    async def completed(self) -> None:
        async with _in_time("process.completed"):
            await self._completed.wait()

    def _heard(self, method: str, params: Object) -> None:
        match method:
            case "process.output":
                *lines, self._line = (self._line + params["data"]).split("\n")
                where = f"[{params['offset']}..{params['end']})"
                for said in (said for line in lines for said in told_by_claude(line.encode())):
                    self._narrator.say("output", f"{where} {said}")
            case "process.gap":
                self._narrator.say("gap", f"{params['bytes']} bytes from {params['from']}")
            case "process.completed":
                self._narrator.say("completed", f"exit code {params['exit_code']}")
                self._completed.set()

    async def _follow_ticks(self, pod: str) -> None:
        """What the loop writes to a file, since Claude Code shows a tool's output at its end."""
        follow = ["tail", "-s", "0.2", "-n", "+1", "-F", f"{WORKSPACE_DIR}/ticks.txt"]
        params = [("command", word) for word in follow]
        params += [("container", AGENT_CONTAINER), ("stdout", "true")]
        path = f"/api/v1/namespaces/default/pods/{pod}/exec"
        async with self._session.websocket(path, params=params) as socket:
            channel = ExecChannel(socket.protocol)
            async for message in socket:
                found = channel.receive(message.data)
                if isinstance(found, Stdout):
                    for line in found.data.tobytes().decode().splitlines():
                        self.ticks += 1
                        self._tick.set()
                        self._narrator.say("", line)

    async def row(self) -> str:
        """As `kubectl get cx` shows it: the columns are the server's."""
        return await asyncio.to_thread(_table, self._stack.url + self._path)


@asynccontextmanager
async def _in_time(what: str) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(STEP_SECONDS):
            yield
    except TimeoutError:
        raise StackError(f"{what} did not come within {STEP_SECONDS} s") from None


def _table(url: str) -> str:
    request = urllib.request.Request(url, headers={"Accept": TABLE})
    with urllib.request.urlopen(request, timeout=10) as answer:
        table = json.load(answer)
    shown = [at for at, c in enumerate(table["columnDefinitions"]) if not c.get("priority")]
    header = [str(table["columnDefinitions"][at]["name"]).upper() for at in shown]
    cells = [str(table["rows"][0]["cells"][at]) for at in shown]
    widths = [max(len(a), len(b)) for a, b in zip(header, cells, strict=True)]
    return "\n".join(
        "   ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip()
        for line in (header, cells)
    )
