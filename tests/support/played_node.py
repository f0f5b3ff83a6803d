"""A node whose runners are played: pods run at once, and links are answered by the rules.

pod made -> Running; exec of the link program -> PlayedLink -> PlayedRunner (ccx_runner's Wishes)
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from ccx_api.names import AGENT_CONTAINER, ANNOTATION_WISH
from ccx_runner.frames import (
    ClientFrame,
    Reply,
    Request,
    RunnerFrame,
    SnapshotFrame,
    Verb,
    client_frames,
    encode,
)
from ccx_runner.wishes import CANCEL, PAUSE, RESUME, Refused, Wish, Wishes
from devcluster.history import Change, Object
from devcluster.ports import ExecProcess, LogOptions, NodeError
from devcluster.store import Store

VERBS = {Verb.PAUSE: PAUSE, Verb.RESUME: RESUME, Verb.CANCEL: CANCEL}
TERMINATED = 143


class PlayedRunner:
    """`told` is every control that came, carried out or not."""

    def __init__(self, first: Wish) -> None:
        self._wishes = Wishes().take(first.verb, first)
        self.told: list[tuple[str, int]] = []
        self.carried_out: list[tuple[str, int]] = []

    @property
    def state(self) -> str:
        if self._wishes.cancelled:
            return "Ended"
        return "Paused" if self._wishes.frozen else "Running"

    def take(self, verb: str, wish: Wish) -> None:
        self.told.append((verb, wish.generation))
        before = self._wishes
        self._wishes = before.take(verb, wish)
        if self._wishes != before:
            self.carried_out.append((verb, wish.generation))

    def snapshot(self) -> dict[str, Any]:
        told = {"v": 1, "state": self.state, "generation": self._wishes.generation, "pid": 7}
        if self._wishes.cancelled:
            told |= {"exitCode": TERMINATED, "endedBy": "Cancel"}
        return {**told, "startedAt": time.time()}


class PlayedNode:
    def __init__(self) -> None:
        self.runners: dict[str, PlayedRunner] = {}
        """By the name of the execution."""

        self._store: Store | None = None
        self._pods = asyncio.Queue[Object]()

    def serve(self, store: Store) -> None:
        self._store = store
        store.listen(self._saw)

    def _saw(self, change: Change) -> None:
        if change.resource == "pods" and change.type == "ADDED":
            self._pods.put_nowait(change.object)

    async def run(self) -> None:
        while True:
            pod = await self._pods.get()
            name = pod["metadata"]["labels"]["cc-executor.dev/execution"]
            self.runners[name] = PlayedRunner(_first_wish(pod))
            self.tell(pod, self.runners[name])

    def tell(self, pod: Object, runner: PlayedRunner) -> None:
        """As a kubelet does, but at once."""
        assert self._store is not None
        metadata, now = pod["metadata"], datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        over, ready = runner.state == "Ended", runner.state == "Running"
        state: Object = {"running": {"startedAt": now}}
        if over:
            words = json.dumps(runner.snapshot()) + "\n"
            ended = {"exitCode": TERMINATED, "reason": "Error", "message": words, "finishedAt": now}
            state = {"terminated": ended}
        told = {"status": str(ready), "lastTransitionTime": now}
        status = {
            "phase": "Failed" if over else "Running",
            "conditions": [{"type": kind, **told} for kind in ("Ready", "ContainersReady")],
            "containerStatuses": [{"name": AGENT_CONTAINER, "ready": ready, "state": state}],
        }

        def change(new: Object) -> Object:
            return new | {"status": status, "spec": new["spec"] | {"nodeName": "played"}}

        place = (metadata["namespace"], metadata["name"])
        self._store.modify("pods", *place, change, uid=metadata["uid"])

    async def exec(
        self,
        namespace: str,
        pod: str,
        container: str,
        command: Sequence[str],
        *,
        stdin: bool,
        tty: bool,
    ) -> ExecProcess:
        assert self._store is not None
        found = self._store.get("pods", namespace, pod)
        if found is None:
            raise NodeError("no such pod", code=404, reason="NotFound")
        runner = self.runners[found["metadata"]["labels"]["cc-executor.dev/execution"]]
        return PlayedLink(runner, lambda: self.tell(found, runner))

    async def logs(
        self, namespace: str, pod: str, container: str, options: LogOptions
    ) -> AsyncIterator[bytes]:
        raise NodeError("a played pod has no log")
        yield b""


class PlayedLink:
    """The link program of one exec; also its own stdout."""

    stderr = None

    def __init__(self, runner: PlayedRunner, changed: Callable[[], None]) -> None:
        self._runner, self._changed = runner, changed
        self._decoder = client_frames()
        self._out = asyncio.Queue[bytes]()
        self._ended = asyncio.Event()
        self._send(SnapshotFrame(runner.snapshot()))

    @property
    def stdout(self) -> "PlayedLink":
        return self

    async def read(self, n: int) -> bytes:
        """Frames are small, so that each fits."""
        return await self._out.get()

    async def write_stdin(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            self._answer(frame)

    async def close_stdin(self) -> None:
        self._out.put_nowait(b"")
        self._ended.set()

    async def wait(self) -> int:
        await self._ended.wait()
        return 0

    async def kill(self) -> None:
        await self.close_stdin()

    def _answer(self, frame: ClientFrame) -> None:
        if not isinstance(frame, Request):
            return
        error = None
        if (verb := VERBS.get(frame.verb)) is not None:
            try:
                self._runner.take(verb, Wish.parse(frame.wish or {}))
            except Refused as exc:
                error = str(exc)
            self._changed()
        snapshot = self._runner.snapshot()
        if error is None:
            self._send(SnapshotFrame(snapshot))
        self._send(Reply(frame.id, error=error, snapshot=None if error else snapshot))

    def _send(self, frame: RunnerFrame) -> None:
        self._out.put_nowait(encode(frame))


def _first_wish(pod: Object) -> Wish:
    """The kubelet hands it to the runner when it starts the container."""
    return Wish.from_json(pod["metadata"]["annotations"][ANNOTATION_WISH])
