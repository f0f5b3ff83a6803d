"""A cluster as a case sees it: a namespace of its own, our session, and HTTP below that.

place (kubeconfig, the generated API groups) -> running_cluster() -> Cluster -> case
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
from kubernetes.aio.client.rest import RESTClientObject

from ccx_kube.access import Access, load_access
from ccx_kube.session import KubeSession
from conformance.streams import Exec, Watch, opened_exec
from support.kubectl import Kubectl

Object = dict[str, Any]
Params = Sequence[tuple[str, str]]

WAIT_SECONDS: Final = 60.0
"""For what a controller or a node does; on a busy machine they take their time."""

POLL_SECONDS: Final = 0.05

MERGE: Final = "application/merge-patch+json"
JSON_PATCH: Final = "application/json-patch+json"
STRATEGIC: Final = "application/strategic-merge-patch+json"
APPLY: Final = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True)
class Answer:
    code: int
    body: Any
    """JSON where it is JSON, else text."""

    headers: dict[str, str] = field(default_factory=dict)

    def seen(self) -> Object:
        return {"code": self.code, "body": self.body}


@dataclass(frozen=True, slots=True)
class Place:
    """A cluster on which the suite's CustomResourceDefinitions are installed."""

    kubeconfig: Path
    kubectl: Kubectl
    is_real: bool
    image: str
    widgets: str
    """The generated API group of the widgets; `executions` that of our own CRD."""

    executions: str


class Cluster:
    def __init__(self, place: Place, access: Access, http: aiohttp.ClientSession) -> None:
        self.place, self.is_real, self.image = place, place.is_real, place.image
        self.kubectl = place.kubectl
        self.session = KubeSession(access)
        self.namespace = f"conf-{secrets.token_hex(5)}"
        self.names = {
            self.namespace: "NAMESPACE",
            place.widgets: "WIDGETS.DEV",
            place.executions: "EXECUTIONS.DEV",
            ".".join(reversed(place.widgets.split("."))): "DEV.WIDGETS",
            access.configuration.host: "SERVER",
            place.image: "IMAGE",
        }
        self._access, self._http = access, http

    # Paths

    def core(self, plural: str, *rest: str) -> str:
        return "/".join((f"/api/v1/namespaces/{self.namespace}/{plural}", *rest))

    def widgets(self, *rest: str) -> str:
        root = f"/apis/{self.place.widgets}/v1alpha1/namespaces/{self.namespace}/widgets"
        return "/".join((root, *rest))

    def executions(self, *rest: str) -> str:
        root = f"/apis/{self.place.executions}/v1alpha1/namespaces/{self.namespace}"
        return "/".join((root, "claudeexecutions", *rest))

    # Objects

    def a_widget(self, name: str = "one", *, metadata: Any = None, **spec: Any) -> Object:
        return {
            "apiVersion": f"{self.place.widgets}/v1alpha1",
            "kind": "Widget",
            "metadata": {"name": name, **(metadata or {})},
            "spec": {"prompt": "hello", **spec},
        }

    def an_execution(self, name: str = "one", **spec: Any) -> Object:
        return {
            "apiVersion": f"{self.place.executions}/v1alpha1",
            "kind": "ClaudeExecution",
            "metadata": {"name": name},
            "spec": spec,
        }

    # HTTP

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        accept: str = "application/json",
        **query: str,
    ) -> Answer:
        """Whatever the answer is. A body of bytes is sent as it is."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Accept": accept, "User-Agent": "conformance/1"}
        if data is not None:
            headers["Content-Type"] = content_type
        headers |= await self._access.headers()
        async with self._http.request(
            method, self._access.configuration.host + path, data=data, params=query, headers=headers
        ) as response:
            text = await response.text(errors="backslashreplace")
            return Answer(response.status, _parsed(text), dict(response.headers))

    async def create(self, path: str, body: Any, **query: str) -> Object:
        return _good(await self.ask("POST", path, body, **query), 201)

    async def get(self, path: str, **query: str) -> Object:
        return _good(await self.ask("GET", path, **query), 200)

    async def merge(self, path: str, patch: Any, **query: str) -> Answer:
        return await self.ask("PATCH", path, patch, content_type=MERGE, **query)

    async def apply(self, path: str, body: Any, manager: str, **query: str) -> Answer:
        query = {"fieldManager": manager, **query}
        return await self.ask("PATCH", path, body, content_type=APPLY, **query)

    async def until(self, path: str, found: Callable[[Answer], bool]) -> Answer:
        """Ask again until the answer is as wanted, within a bound."""
        answer = Answer(0, None)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not found(answer := await self.ask("GET", path)):  # noqa: ASYNC110
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise AssertionError(f"{path} is not as wanted, but {answer}") from None
        return answer

    @asynccontextmanager
    async def watch(self, path: str, **query: str) -> AsyncIterator[Watch]:
        params = {"watch": "true", **query}
        headers = {"Accept": "application/json", **await self._access.headers()}
        url = self._access.configuration.host + path
        async with self._http.get(url, params=params, headers=headers) as response:
            assert response.status == 200, await response.text()
            yield Watch(response.content)

    @asynccontextmanager
    async def exec(
        self, pod: str, *command: str, protocol: str, stdin: bool = False, container: str = ""
    ) -> AsyncIterator[Exec]:
        streams = {"stdout": "true", "stderr": "true", **({"stdin": "true"} if stdin else {})}
        params = [*(("command", word) for word in command), *streams.items()]
        params += [("container", container)] if container else []
        url = self._access.configuration.host + self.core("pods", pod, "exec")
        headers = await self._access.headers()
        async with opened_exec(self._http, url, params, headers, protocol) as opened:
            yield opened


@asynccontextmanager
async def running_cluster(place: Place) -> AsyncIterator[Cluster]:
    access = await load_access(str(place.kubeconfig))
    tls = RESTClientObject(access.configuration).ssl_context
    timeout = aiohttp.ClientTimeout(total=WAIT_SECONDS)
    connector = aiohttp.TCPConnector(ssl=tls)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        cluster = Cluster(place, access, http)
        async with cluster.session:
            enforced = {"pod-security.kubernetes.io/enforce": "restricted"}
            metadata = {"name": cluster.namespace, "labels": enforced}
            await cluster.create("/api/v1/namespaces", {"metadata": metadata})
            try:
                yield cluster
            finally:
                await _remove(cluster)


async def _remove(cluster: Cluster) -> None:
    """Finalizers that a case left behind would hold namespace and definitions for ever."""
    await cluster.ask("DELETE", f"/api/v1/namespaces/{cluster.namespace}")
    for path in (cluster.widgets(), cluster.core("configmaps"), cluster.core("pods")):
        listed = (await cluster.ask("GET", path.rstrip("/"))).body
        for item in listed.get("items", ()) if isinstance(listed, dict) else ():
            if item["metadata"].get("finalizers"):
                name = item["metadata"]["name"]
                await cluster.merge(
                    f"{path.rstrip('/')}/{name}", {"metadata": {"finalizers": None}}
                )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _good(answer: Answer, code: int) -> Object:
    assert answer.code == code, answer
    found: Object = answer.body
    return found
