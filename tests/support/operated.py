"""Namespaces of one devcluster, each with an operator of its own that can be killed and started.

a_devcluster() -> Ground: what is in the store, waited for -> Stage: namespace, operator, wishes
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

from ccx_api.crd import crd
from ccx_api.names import API_VERSION, GROUP, KIND, PLURAL, USAGE_RECORD
from devcluster.faults import Fault
from devcluster.kubeconfig import write_kubeconfig
from devcluster.kubelet.broadcast import Broadcast
from devcluster.ports import Node
from devcluster.server import Devcluster, running_devcluster
from support.devcluster_client import Client
from support.forked_operator import ForkedOperator
from support.small_cluster import BIN, CRDS
from support.usage import ends, totals

Object = dict[str, Any]
T = TypeVar("T")

OURS: Final = f"{PLURAL}.{GROUP}"
AGENT: Final = "cc-executor"
"""As the operator calls itself: the tests' own client has another name."""

IMAGES: Final = ("--runtime-image", "devcluster/runtime", "--runner-image", "devcluster/runner")
WAIT_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.002
_numbers = count(1)


class Ground:
    """What all stages stand on."""

    def __init__(self, cluster: Devcluster, client: Client, directory: Path) -> None:
        self.cluster, self.client, self.directory = cluster, client, directory
        self._seen = Broadcast()
        cluster.store.listen(lambda _: self._seen.fire())

    async def until(
        self, look: Callable[[], T | None], what: str, seconds: float = WAIT_SECONDS
    ) -> T:
        """The first true answer: asked again at every change of an object."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    changed = self._seen.next()
                    if found := look():
                        return found
                    await changed.wait()
        except TimeoutError:
            raise AssertionError(f"not within {seconds} s: {what}") from None


@asynccontextmanager
async def a_ground(
    directory: Path, *, path: Sequence[str] = (), node: Node | None = None
) -> AsyncIterator[Ground]:
    """`path` leads PATH in every pod. `node` is one that the test plays."""
    path = [*path, str(BIN)]
    running = running_devcluster(path=path, played_node=node)
    async with running as cluster, Client(cluster.url) as client:
        await client.create(CRDS, crd())
        ground = Ground(cluster, client, directory)
        await client.until(f"/apis/{API_VERSION}", lambda found: "resources" in found)
        yield ground


class Stage:
    """One namespace, and the operator of it. Executions here are told apart by their name."""

    def __init__(self, ground: Ground, namespace: str) -> None:
        self.ground, self.namespace = ground, namespace
        self.directory = ground.directory / namespace
        self.directory.mkdir()
        self._kubeconfig = self.directory / "kubeconfig"
        write_kubeconfig(self._kubeconfig, ground.cluster.url, namespace=namespace)
        self._path = f"/apis/{API_VERSION}/namespaces/{namespace}/{PLURAL}"
        self._words: tuple[str, ...] = ()
        self.operator: ForkedOperator | None = None

    # The operator

    def start(self, *words: str) -> None:
        self._words = words or self._words
        argv = ("--namespace", self.namespace, *IMAGES, *self._words)
        self.operator = ForkedOperator(self._kubeconfig, self.directory / "operator.log", *argv)

    def kill(self) -> None:
        assert self.operator is not None
        self.operator.kill()

    def lose_answer(self, *, after: int) -> Fault:
        """To the operator's next write but so many."""
        fault = {"fault": "lost-answer", "verb": "write", "after": after, "seconds": WAIT_SECONDS}
        where = {
            "namespace": self.namespace,
            "agent": AGENT,
            "resource": f"{OURS},pods,events,configmaps",
        }
        return self.ground.cluster.faults.add(fault | where)

    def writes(self) -> Counter[str]:
        """The operator's, those that were refused included: by verb and resource."""
        found = Counter[str]()
        for entry in self._requests():
            if entry["verb"] in ("create", "patch", "update", "delete") and not _is_exec(entry):
                resource = entry["resource"].partition(".")[0]
                where = f"/{entry['subresource']}" if entry["subresource"] else ""
                found[f"{entry['verb']} {resource}{where}"] += entry["count"]
        return found

    def pods_made(self) -> int:
        made = [e for e in self._requests() if (e["verb"], e["code"]) == ("create", 201)]
        return sum(e["count"] for e in made if (e["resource"], e["subresource"]) == ("pods", ""))

    def _requests(self) -> Iterator[Object]:
        for entry in self.ground.cluster.faults.requests()["requests"]:
            if (entry["namespace"], entry["agent"]) == (self.namespace, AGENT):
                yield entry

    # Users

    async def create(
        self, name: str, annotations: dict[str, str] | None = None, /, **spec: Any
    ) -> Object:
        metadata = {
            "name": name,
            "namespace": self.namespace,
            "annotations": annotations or {},
        }
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}
        created: Object = await self.ground.client.create(self._path, body)
        return created

    async def change(self, name: str, **spec: Any) -> None:
        code, told = await self.ground.client.merge(f"{self._path}/{name}", {"spec": spec})
        assert code == 200, told

    async def wish(self, name: str, state: str) -> None:
        await self.change(name, desiredState=state)

    async def delete(self, name: str) -> None:
        code, told = await self.ground.client.ask("DELETE", f"{self._path}/{name}")
        assert code == 200, told

    async def delete_pod(self, pod: str) -> None:
        """Without grace, and without the operator."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}?gracePeriodSeconds=0"
        code, told = await self.ground.client.ask("DELETE", path)
        assert code == 200, told

    # What there is

    def get(self, name: str) -> Object | None:
        return self.ground.cluster.store.get(OURS, self.namespace, name)

    def status(self, name: str) -> Object:
        return (self.get(name) or {}).get("status") or {}

    def pods(self) -> list[Object]:
        return self.ground.cluster.store.list("pods", self.namespace)

    def events(self, name: str) -> list[Object]:
        """Of the operator, about that execution."""
        told = self.ground.cluster.store.list("events", self.namespace)
        about = [e for e in told if e["involvedObject"]["kind"] == KIND]
        return [e for e in about if e["involvedObject"]["name"] == name]

    def ends_recorded(self) -> int:
        record = self.ground.cluster.store.get("configmaps", self.namespace, USAGE_RECORD)
        return ends(totals(record["data"])) if record is not None else 0

    async def phase(self, name: str, *wanted: str) -> Object:
        def look() -> Object | None:
            status = self.status(name)
            return status if status.get("phase") in wanted else None

        return await self.ground.until(look, f"{self.namespace}/{name} is {wanted}")

    async def reason(self, name: str, *wanted: str) -> Object:
        def look() -> Object | None:
            status = self.status(name)
            return status if status.get("reason") in wanted else None

        return await self.ground.until(look, f"{self.namespace}/{name} says {wanted}")

    async def process(self, name: str) -> Object:
        """It may run a moment before it is known."""
        return await self.ground.until(
            lambda: self.status(name).get("process"), f"the process of {name} is known"
        )

    async def told(self, name: str, *reasons: str) -> None:
        """These and no more: Events are told beside the work, and may come behind it."""

        def look() -> bool:
            return sorted(event["reason"] for event in self.events(name)) == sorted(reasons)

        await self.ground.until(look, f"what {name} tells is {reasons}")

    async def attempt(self, name: str, number: int, phase: str) -> Object:
        def look() -> Object | None:
            status = self.status(name)
            found = status.get("attempts"), status.get("phase")
            return status if found == (number, phase) else None

        return await self.ground.until(look, f"attempt {number} of {name} is {phase}")

    async def settled(self, name: str) -> Object:
        """Its last state: nothing is left to do for it."""

        def look() -> Object | None:
            found = self.get(name)
            status = (found or {}).get("status") or {}
            over = status.get("phase") in ("Succeeded", "Failed", "Cancelled")
            return found if found and over and not found["metadata"].get("finalizers") else None

        return await self.ground.until(look, f"{self.namespace}/{name} is settled")

    async def gone(self, name: str) -> None:
        await self.ground.until(lambda: self.get(name) is None, f"{self.namespace}/{name} is gone")


def _is_exec(entry: Object) -> bool:
    return bool(entry["subresource"] == "exec")


async def a_namespace(ground: Ground) -> Stage:
    """Without an operator: that of another stage may be told to see to it."""
    namespace = f"n{next(_numbers)}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
    await ground.client.create("/api/v1/namespaces", body)
    return Stage(ground, namespace)


@asynccontextmanager
async def a_stage(ground: Ground, *words: str) -> AsyncIterator[Stage]:
    """Its operator runs."""
    stage = await a_namespace(ground)
    stage.start(*words)
    try:
        yield stage
    finally:
        assert stage.operator is not None
        stage.operator.end()


class Gate:
    """What a command waits for, and a count of its runs: `sh -c` of script()."""

    def __init__(self, directory: Path, name: str) -> None:
        self._fifo, self._runs = directory / f"{name}.gate", directory / f"{name}.runs"
        os.mkfifo(self._fifo)

    def script(self, then: str = "echo done") -> list[str]:
        """With paths of this machine: by a second slash none is taken for one of the pod's."""
        return ["sh", "-c", f"{self.waits()}; {then}"]

    def waits(self) -> str:
        return f"echo $$ >> /{self._runs}; cat /{self._fifo}"

    def runs(self) -> list[int]:
        """The pids of the shells."""
        if not self._runs.exists():
            return []
        return [int(word) for word in self._runs.read_text(encoding="utf-8").split()]

    def left(self) -> list[int]:
        """Those that still run: their words name the gate, whoever may have got a pid since."""
        return [pid for pid in self.runs() if str(self._fifo).encode() in _words(pid)]

    async def open(self) -> None:
        """Let it go on; it may not have come to the gate yet."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not self._try():  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(POLL_SECONDS)

    def _try(self) -> bool:
        with suppress(OSError):  # ENXIO: nobody reads
            os.close(os.open(self._fifo, os.O_WRONLY | os.O_NONBLOCK))
            return True
        return False


def _words(pid: int) -> bytes:
    with suppress(OSError):  # gone
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@contextmanager
def told_with(log: Path, *notes: str) -> Iterator[None]:
    """A failure shows the end of the operator's log."""
    try:
        yield
    except Exception as error:
        text = log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""
        for note in notes:
            error.add_note(note)
        error.add_note(f"the end of {log}:\n{text[-3000:]}")
        raise
