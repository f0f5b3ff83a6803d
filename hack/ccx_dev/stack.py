"""The whole system on this machine: devcluster, scripted Messages API, operator, gateway.

running_stack() -> cluster -> CRD, Secret -> operator -> gateway    for demo, `make up` and tests
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ccx_dev.child import Child
from ccx_dev.claude_cli import claude_directory
from ccx_dev.objects import install

BIN = Path(sys.executable).parent
CREDENTIALS = "claude-credentials"
API_KEYS = ("ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN")


@dataclass
class Stack:
    """What runs, and how to reach it."""

    directory: Path
    url: str
    """Of the cluster's API server."""

    kubeconfig: Path
    scripted: bool
    """Claude Code talks to the scripted Messages API, not to the real one."""

    cluster: Child
    operator: Child
    gateway: Child
    metrics: str
    """The operator's --metrics-address."""

    @property
    def websocket(self) -> str:
        """The gateway's URL for clients."""
        return websocket_of(self.gateway)

    def start_operator(self) -> None:
        """Again, after its end or its SIGKILL."""
        self.operator = start_operator(self.directory, self.kubeconfig, self.metrics)


@contextmanager
def running_stack(
    directory: Path,
    *,
    port: int = 0,
    gateway_port: int = 0,
    use_real_api: bool = True,
    tokens: Path | None = None,
    metrics: str = "127.0.0.1:0",
    claude: Path | None = None,
) -> Iterator[Stack]:
    """Start everything under `directory`, and end everything whatever happens.

    Its gateway lets anybody in, on loopback. `tokens` is for one that does not: see devcluster.
    `claude` is the folder of another program of that name.

    With a key of Anthropic's in the environment Claude Code uses the real API, unless told not to.
    """
    directory.mkdir(parents=True, exist_ok=True)
    kubeconfig = directory / "kubeconfig"
    with ExitStack() as ends:
        folder = claude or claude_directory()
        cluster = _start_cluster(directory, kubeconfig, port, tokens, folder)
        ends.callback(cluster.end)
        keys = {name: os.environ[name] for name in API_KEYS if os.environ.get(name)}
        scripted = not (keys and use_real_api)
        if scripted:
            argv = [sys.executable, "-m", "messages_api"]
            messages = Child("the scripted Messages API", argv, log=directory / "messages.log")
            ends.callback(messages.end)
            keys = {"ANTHROPIC_API_KEY": "scripted", "ANTHROPIC_BASE_URL": messages.said}
        install(cluster.said, CREDENTIALS, keys)
        operator = start_operator(directory, kubeconfig, metrics)
        ends.callback(operator.end)
        gateway = start_gateway(directory, kubeconfig, port=gateway_port)
        ends.callback(gateway.end)
        stack = Stack(
            directory, cluster.said, kubeconfig, scripted, cluster, operator, gateway, metrics
        )
        ends.callback(lambda: (stack.gateway.end(), stack.operator.end()))  # those of now
        yield stack


def _start_cluster(
    directory: Path, kubeconfig: Path, port: int, tokens: Path | None, claude: Path | None
) -> Child:
    argv = [sys.executable, "-m", "devcluster", "--port", str(port)]
    argv += ["--kubeconfig", str(kubeconfig), "--path", str(BIN)]
    if tokens is not None:
        argv += ["--tokens", str(tokens)]
    if claude is not None:
        argv += ["--path", str(claude)]
    return Child("devcluster", argv, log=directory / "devcluster.log")


def start_operator(directory: Path, kubeconfig: Path, metrics: str) -> Child:
    argv = [str(BIN / "ccx-operator"), "--metrics-address", metrics]
    argv += ["--runtime-image", "devcluster/runtime", "--runner-image", "devcluster/runner"]
    environment = {"KUBECONFIG": str(kubeconfig)}
    log = directory / "operator.log"
    return Child("ccx-operator", argv, log=log, env=environment, ready_seconds=None)


def start_gateway(
    directory: Path,
    kubeconfig: Path,
    *words: str,
    port: int = 0,
    env: Mapping[str, str] | None = None,
) -> Child:
    """One more replica with every call."""
    argv = [str(BIN / "ccx-gateway"), "--address", f"127.0.0.1:{port}", "--auth", "none", *words]
    environment = {"KUBECONFIG": str(kubeconfig), **(env or {})}
    return Child("ccx-gateway", argv, log=directory / "gateway.log", env=environment)


def websocket_of(gateway: Child) -> str:
    return gateway.said.replace("http://", "ws://", 1) + "/ws/mcp"
