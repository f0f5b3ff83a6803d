"""The gateway under test: its address, and tokens for those who sign in.

    local stack      its URL
    installed        kubectl port-forward, ended with the tests that use it

Whether it asks for a token is found out by coming without one.
"""

import asyncio
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from ccx_api.names import GROUP, PLURAL
from support.kubectl import Kubectl, Object
from support.waiting import eventually

SERVICE = "ccx-gateway"
PORT = 8003
AUDIENCE = "cc-executor"
USER, READER = "e2e-user", "e2e-reader"
VERBS = {USER: ["create", "get", "list", "patch", "delete"], READER: ["get", "list"]}
UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Gateway:
    websocket: str
    kubectl: Kubectl
    """In the namespace of the tests, where the users are."""

    signs_in: bool

    def headers(self, user: str = USER) -> dict[str, str]:
        """Of a user who may do everything with executions here, or of one who may only read."""
        if not self.signs_in:
            return {}
        wanted = ("create", "token", user, "--audience", AUDIENCE, "--duration", "1h")
        return {"Authorization": f"Bearer {self.kubectl(*wanted).strip()}"}


@contextmanager
def port_forward(kubectl: Kubectl, directory: Path) -> Iterator[str]:
    """To the installed gateway; its WebSocket's URL."""
    log = directory / "port-forward.log"
    words = ("port-forward", "--address", "127.0.0.1", f"service/{SERVICE}", f":{PORT}")
    process = kubectl.start(*words, log=log)
    try:
        heard = eventually(lambda: _heard(process, log), what="kubectl port-forward")
        yield f"ws://{heard}/ws/mcp"
    finally:
        process.terminate()
        process.wait(60)


def _heard(process: "subprocess.Popen[bytes]", log: Path) -> str:
    told = log.read_text(encoding="utf-8")
    assert process.poll() is None, f"kubectl port-forward has ended: {told}"
    found = re.search(r"Forwarding from (\S+) ->", told)
    return found[1] if found else ""


def asks_for_a_token(websocket: str) -> bool:
    return asyncio.run(_status_without_token(websocket)) == UNAUTHORIZED


async def _status_without_token(websocket: str) -> int:
    async with asyncio.timeout(60), aiohttp.ClientSession() as http:
        try:
            async with http.ws_connect(websocket):
                return 101
        except aiohttp.WSServerHandshakeError as refused:
            return refused.status


def users() -> list[Object]:
    """Service accounts of the namespace of the tests, with Roles there."""
    return [thing for name, verbs in VERBS.items() for thing in _user(name, verbs)]


def _user(name: str, verbs: list[str]) -> tuple[Object, Object, Object]:
    rbac = "rbac.authorization.k8s.io"
    rule = {"apiGroups": [GROUP], "resources": [PLURAL], "verbs": verbs}
    subject = {"kind": "ServiceAccount", "name": name}
    return (
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "Role",
            "metadata": {"name": name},
            "rules": [rule],
        },
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "RoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
            "subjects": [subject],
        },
    )
