"""One execution as the demo follows it: its status, its output by offsets, its loop's ticks.

API server ── status ──┐
runner link ── output ─┼─> Narrator
pod exec ── ticks ─────┘
"""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self

from ccx_api.names import AGENT_CONTAINER, GROUP, PLURAL, VERSION, WORKSPACE_DIR
from ccx_api.status import ExecutionStatus
from ccx_dev.child import StackError
from ccx_dev.narrator import Narrator, told_by_claude
from ccx_dev.stack import Stack
from ccx_kube.exec_channel import ExecChannel, Stdout
from ccx_kube.link import Output, RunnerLink
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
        self._told = ""
        self._tasks: list[asyncio.Task[None]] = []
        self._output_ended, self._tick = asyncio.Event(), asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def create(
        cls, stack: Stack, manifest: Mapping[str, Any], narrator: Narrator
    ) -> AsyncIterator[Self]:
        name = manifest["metadata"]["name"]
        async with await KubeSession.from_environment(str(stack.kubeconfig)) as session:
            execution = cls(stack, session, name, narrator)
            collection = execution._path.rpartition("/")[0]
            await session.request("POST", collection, body=manifest)
            narrator.say("apply", f"claudeexecution/{name} created")
            try:
                yield execution
            finally:
                for task in execution._tasks:
                    task.cancel()
                await asyncio.gather(*execution._tasks, return_exceptions=True)

    async def status(self) -> ExecutionStatus:
        found = await self._session.request("GET", self._path)
        return ExecutionStatus.model_validate(found.get("status", {}))

    async def wish(self, state: str) -> None:
        await self._session.request(
            "PATCH",
            self._path,
            body={"spec": {"desiredState": state}},
            content_type="application/merge-patch+json",
        )

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

    async def watch_output(self) -> None:
        pod = (await self.status()).pod_name
        assert pod is not None
        self._tasks.append(asyncio.create_task(self._follow_output(pod)))
        self._tasks.append(asyncio.create_task(self._follow_ticks(pod)))

    async def output_ended(self) -> None:
        async with _in_time("the end of the output"):
            await self._output_ended.wait()

    async def _follow_output(self, pod: str) -> None:
        """By the runner's link, as the gateway will: every byte has its offset."""
        link = await RunnerLink.open(
            self._session, "default", pod, on_snapshot=lambda _: None, on_closed=lambda _: None
        )
        rest, start = b"", 0
        try:
            async for item in link.follow(0):
                if not isinstance(item, Output):
                    continue
                *lines, rest = (rest + item.data).split(b"\n")
                for line in lines:
                    end = start + len(line) + 1
                    for said in told_by_claude(line):
                        self._narrator.say("output", f"[{start}..{end}) {said}")
                    start = end
        finally:
            self._output_ended.set()
            await link.close()

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
                    for line in found.data.decode().splitlines():
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
