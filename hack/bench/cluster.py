"""A real cluster for the bench: namespaces of its own, filled with many objects at a time."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ccx_api.names import API_VERSION, KIND, PLURAL
from ccx_dev.child import StackError
from ccx_kube.errors import ApiError, KubeError
from ccx_kube.objects import MERGE_PATCH, object_path, pages
from ccx_kube.session import KubeSession

_API: Final = f"/apis/{API_VERSION}"
_OURS: Final = Path(__file__).parents[2] / ".ccx/cluster/kubeconfig"
INSTALLED: Final = "cc-executor"
CLIENTS: Final = 24
WAIT_SECONDS: Final = 300.0
LOOK_SECONDS: Final = 0.1
ANSWER_SECONDS: Final = 5.0


def has_kubernetes() -> bool:
    """Whether it is up: the file stays behind."""
    return _given().exists() and asyncio.run(_answers())


async def _answers() -> bool:
    try:
        async with (
            asyncio.timeout(ANSWER_SECONDS),
            await KubeSession.from_environment(str(_given())) as session,
        ):
            await session.request("GET", "/version")
    except (KubeError, TimeoutError):
        return False
    return True


def kubeconfig() -> Path:
    """Of CCX_BENCH_KUBECONFIG, else of hack/cluster."""
    found = _given()
    if not found.exists():
        raise StackError(
            "these rows need a real cluster with our CRD: `make cluster`, `kubectl apply -f crds`"
        )
    return found


def _given() -> Path:
    return Path(os.environ.get("CCX_BENCH_KUBECONFIG") or _OURS)


@dataclass(frozen=True, slots=True)
class Namespace:
    session: KubeSession
    name: str

    def kubeconfig(self, directory: Path) -> Path:
        """As ours, but for a default namespace: operator and gateway keep their Leases there."""
        config = json.loads(kubeconfig().read_text(encoding="utf-8"))
        for context in config["contexts"]:
            context["context"]["namespace"] = self.name
        file = directory / "kubeconfig"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(config), encoding="utf-8")
        return file

    async def create_executions(self, count: int, spec: dict[str, Any]) -> None:
        path = object_path(_API, self.name, PLURAL)

        async def create(number: int) -> None:
            metadata = {"name": f"x{number}", "namespace": self.name}
            body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}
            await self.session.request("POST", path, body=body)

        await _many(count, create)

    async def finish(self, count: int) -> None:
        async def finish(number: int) -> None:
            path = object_path(_API, self.name, PLURAL, f"x{number}", "status")
            body = {"status": _FINISHED}
            await self.session.request("PATCH", path, body=body, content_type=MERGE_PATCH)

        await _many(count, finish)

    async def create_pods(self, count: int) -> None:
        """Of nobody that we know, and never scheduled."""
        path = object_path("/api/v1", self.name, "pods")

        async def create(number: int) -> None:
            pod = a_pod("none", ["true"], schedulerName="nobody")
            body = {"metadata": {"name": f"p{number}"}, "spec": pod}
            await self.session.request("POST", path, body=body)

        await _many(count, create)

    async def until_named(self, count: int) -> None:
        """Until so many executions have a pod in their status."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                if await self._named() >= count:
                    return
                await asyncio.sleep(LOOK_SECONDS)

    async def _named(self) -> int:
        path, found = object_path(_API, self.name, PLURAL), 0
        async for page in pages(self.session, path):
            found += sum("podName" in item.get("status", {}) for item in page["items"])
        return found


@asynccontextmanager
async def a_namespace() -> AsyncIterator[Namespace]:
    """Gone afterwards, with all that is in it. An installed operator rests meanwhile."""
    async with await KubeSession.from_environment(str(kubeconfig())) as session:
        name = f"bench-{time.time_ns() // 1_000_000:x}"
        await session.request("POST", "/api/v1/namespaces", body={"metadata": {"name": name}})
        replicas = await _scale_operator(session, 0)
        try:
            account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
            await _until(session, account, there=True)
            yield Namespace(session, name)
        finally:
            await _free(session, name)
            await session.request("DELETE", f"/api/v1/namespaces/{name}")
            # The next row is not to be measured beside the deletion of thousands.
            await _until(session, f"/api/v1/namespaces/{name}", there=False)
            if replicas:
                await _scale_operator(session, replicas)


async def _free(session: KubeSession, namespace: str) -> None:
    """The operator that would take its finalizers away has ended."""
    path, held = object_path(_API, namespace, PLURAL), list[str]()
    async for page in pages(session, path):
        metadata = (item["metadata"] for item in page["items"])
        held += (found["name"] for found in metadata if found.get("finalizers"))

    async def free(number: int) -> None:
        body = {"metadata": {"finalizers": None}}
        one = object_path(_API, namespace, PLURAL, held[number])
        await session.request("PATCH", one, body=body, content_type=MERGE_PATCH)

    await _many(len(held), free)


async def _scale_operator(session: KubeSession, replicas: int) -> int:
    """How many there were; 0 if there is none. Beside ours they would share work and figures."""
    path = object_path("/apis/apps/v1", INSTALLED, "deployments", "ccx-operator", "scale")
    try:
        before = await session.request("GET", path)
    except ApiError as exc:
        if exc.is_not_found:
            return 0
        raise
    body = {"spec": {"replicas": replicas}}
    await session.request("PATCH", path, body=body, content_type=MERGE_PATCH)
    return int(before["spec"].get("replicas", 0))  # 0 is left out


async def _until(session: KubeSession, path: str, *, there: bool) -> None:
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            if await _is_there(session, path) is there:
                return
            await asyncio.sleep(LOOK_SECONDS)


async def _is_there(session: KubeSession, path: str) -> bool:
    try:
        await session.request("GET", path)
    except ApiError as exc:
        if exc.is_not_found:
            return False
        raise
    return True


async def _many(count: int, do: Callable[[int], Awaitable[None]]) -> None:
    numbers = iter(range(count))

    async def work() -> None:
        for number in numbers:
            await do(number)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CLIENTS):
            tasks.create_task(work())


_FINISHED: Final = {
    "phase": "Succeeded",
    "reason": "Completed",
    "message": "exit code 0",
    "observedGeneration": 1,
    "podName": "cx-x-00000000-1",
    "podUID": "00000000-0000-4000-8000-000000000000",
    "startTime": "2026-01-01T00:00:00Z",
    "completionTime": "2026-01-01T00:01:00Z",
    "process": {"pid": 7, "pgid": 7, "state": "Ended", "exitCode": 0},
    "output": {"bytes": 4096, "droppedBytes": 0, "lines": 100, "sha256": "0" * 64},
    "conditions": [
        {
            "type": kind,
            "status": "True",
            "reason": "Completed",
            "message": "",
            "lastTransitionTime": "2026-01-01T00:01:00Z",
        }
        for kind in ("Accepted", "Succeeded", "Finished")
    ],
}


def a_pod(image: str, command: Sequence[str], **spec: Any) -> dict[str, Any]:
    """The spec of one that Pod Security `restricted` takes."""
    container = {
        "name": "c",
        "image": image,
        "command": [*command],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    restart = {"restartPolicy": "Never", "automountServiceAccountToken": False}
    return {"securityContext": security, "containers": [container], **restart, **spec}
