import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ccx_dev.stack import Stack, running_stack
from ccx_kube.session import KubeSession
from support.api_server import ApiServer, a_kubeconfig, running_api_server

TOKENS = """\
tokens:
  owner: {user: olga, audiences: [cc-executor]}
  viewer: {user: vera, audiences: [cc-executor]}
rules:
  - {users: [olga], verbs: [create, get, patch], namespaces: [default]}
  - {users: [vera], verbs: [get, list], namespaces: [default]}
"""


@pytest.fixture(scope="session")
def local_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Cluster stand-in, operator and gateway as processes of their own. The cluster knows tokens,
    for gateways that ask for one.
    """
    directory = tmp_path_factory.mktemp("stack")
    tokens = directory / "tokens.yaml"
    tokens.write_text(TOKENS, encoding="utf-8")
    with running_stack(directory, use_real_api=False, tokens=tokens) as stack:
        yield stack


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    """A scripted API server, and with it a minute for the test."""
    async with asyncio.timeout(60), running_api_server() as server:
        yield server


@pytest.fixture
async def session(server: ApiServer, tmp_path: Path) -> AsyncIterator[KubeSession]:
    async with await KubeSession.from_environment(a_kubeconfig(tmp_path, server.url)) as session:
        yield session
