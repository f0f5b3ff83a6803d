"""A devcluster without a node and a gateway before it that asks for tokens, in this process."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ccx_api.crd import crd
from ccx_dev.objects import CRDS
from ccx_gateway.main import running_gateway
from ccx_gateway.options import parse
from ccx_kube.session import KubeSession
from devcluster.server import running_devcluster
from support.devcluster_client import Client

EXECUTIONS = "/apis/cc-executor.dev/v1alpha1/namespaces/default/claudeexecutions"
ALICE = "canary-alice"
"""May do everything in the namespace default."""

NOBODY = "canary-nobody"
"""Is known, and may do nothing."""

EXPIRED, FOREIGN = "canary-expired", "canary-foreign"
DEVS = {"groups": ["devs"], "verbs": ["*"], "namespaces": ["default"]}


def an_account(user: str, **other: Any) -> dict[str, Any]:
    return {"user": user, "audiences": ["cc-executor"], **other}


TOKENS = {
    ALICE: an_account("alice", groups=["devs"]),
    NOBODY: an_account("nobody"),
    EXPIRED: an_account("alice", groups=["devs"], expires="2020-01-01T00:00:00Z"),
    FOREIGN: an_account("alice", groups=["devs"]) | {"audiences": ["another"]},
}


@dataclass
class Guarded:
    url: str
    cluster: Client
    tokens: Path

    @property
    def websocket(self) -> str:
        return self.url.replace("http", "ws", 1) + "/ws/mcp"

    def knows(self, tokens: dict[str, Any], *rules: dict[str, Any]) -> None:
        """From now on, and nothing else."""
        text = json.dumps({"tokens": tokens, "rules": rules})
        new = self.tokens.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.replace(self.tokens)

    async def asked(self, resource: str) -> int:
        """How many requests the cluster has had for a resource."""
        found = (await self.cluster.get("/devcluster/requests"))["requests"]
        return sum(r["count"] for r in found if r["resource"].startswith(f"{resource}."))

    async def create(self, name: str) -> None:
        body = {
            "apiVersion": "cc-executor.dev/v1alpha1",
            "kind": "ClaudeExecution",
            "metadata": {"name": name, "namespace": "default"},
            "spec": {"command": ["true"]},
        }
        await self.cluster.create(EXECUTIONS, body)


@asynccontextmanager
async def a_guarded_gateway(
    directory: Path, *words: str, kept_seconds: float = 60
) -> AsyncIterator[Guarded]:
    tokens = directory / "tokens.json"
    tokens.write_text(json.dumps({"tokens": TOKENS, "rules": [DEVS]}), encoding="utf-8")
    options = parse(["--address", "127.0.0.1:0", "--probe-address", "127.0.0.1:0", *words])
    async with (
        running_devcluster(with_node=False, tokens=tokens) as cluster,
        Client(cluster.url) as client,
        await KubeSession.from_environment(str(cluster.kubeconfig)) as session,
    ):
        await client.create(CRDS, crd())
        async with running_gateway(options, session, kept_seconds=kept_seconds) as (url, _):
            yield Guarded(url, client, tokens)
