"""What makes readers of archives, on an API server that remembers what was asked of it."""

from collections.abc import AsyncGenerator, Mapping
from copy import deepcopy
from typing import Any

from ccx_api.names import ANNOTATION_READ
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_kube.errors import ApiError
from ccx_operator.pod_spec import Images
from ccx_operator.readers import Readers

Body = dict[str, Any]
PLACE = {"namespace": "ns", "name": "e1"}
UID = "0f1e2d3c-0000-4000-8000-000000000001"
POD = "cx-e1-0f1e2d3c-2"
READER = "cx-e1-0f1e2d3c-0"


def an_archived(**changes: Any) -> Body:
    """An execution that has ended, and of which somebody wants to read the archive."""
    output = {"bytes": 7, "sha256": "ab" * 32, "archived": 7}
    return {
        "metadata": {
            **PLACE,
            "uid": UID,
            "resourceVersion": "9",
            "annotations": {ANNOTATION_READ: "wanted"},
        },
        "spec": {"command": ["true"], "output": {"archive": {"volumeClaimName": "kept"}}},
        "status": {"phase": "Succeeded", "podName": POD, "attempts": 2, "output": output},
    } | changes


class Server:
    """One execution, and pods."""

    def __init__(self, execution: Body | None = None) -> None:
        self.execution = execution
        self.pods: dict[str, Body] = {}
        self.asked: list[str] = []
        self.refusal: ApiError | None = None

    async def get(self, namespace: str, name: str) -> Any:
        if name != PLACE["name"]:
            return self.pods.get(name)
        if self.execution is None:
            raise ApiError(404, "NotFound", "gone")
        return ClaudeExecution.model_validate(self.execution)

    async def annotate(
        self, execution: ClaudeExecution, annotations: Mapping[str, str | None]
    ) -> ClaudeExecution:
        assert self.execution is not None
        self.asked.append("unwish")
        assert annotations == {ANNOTATION_READ: None}
        del self.execution["metadata"]["annotations"]
        return execution

    async def create(self, namespace: str, body: Body) -> Body:
        self.asked.append("create")
        if self.refusal is not None:
            raise self.refusal
        name = body["metadata"]["name"]
        self.pods[name] = deepcopy(body) | {"status": {"phase": "Pending"}}
        self.pods[name]["metadata"]["uid"] = f"uid of {len(self.asked)}"
        return body

    async def delete(self, namespace: str, name: str, uid: str) -> None:
        self.asked.append("delete")
        assert self.pods.pop(name)["metadata"]["uid"] == uid

    async def listed(
        self, label_selector: str, namespace: str | None = None
    ) -> AsyncGenerator[Body, None]:
        for pod in list(self.pods.values()):
            if label_selector in pod["metadata"]["labels"]:
                yield pod


def some_readers(server: Server | None = None) -> Readers:
    server = server or Server()
    return Readers(server, server, Images(runtime="runtime:1", runner="runner:1"))
