"""A devcluster that serves our CRD, and an operator beside it where one is wanted."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from ccx_api.crd import crd
from ccx_dev.child import Child
from ccx_kube.errors import ApiError
from ccx_kube.executions import Executions
from ccx_kube.session import KubeSession
from devcluster.server import Devcluster

NAMESPACE = "default"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
BIN = Path(sys.executable).parent


@asynccontextmanager
async def a_session(cluster: Devcluster) -> AsyncIterator[KubeSession]:
    """The CRD is made, and served. The caller has a time limit."""
    async with await KubeSession.from_environment(str(cluster.kubeconfig)) as session:
        await session.request("POST", CRDS, body=crd())
        await eventually(lambda: is_served(session))
        yield session


@contextmanager
def an_operator(cluster: Devcluster, log: Path, *words: str) -> Iterator[Child]:
    argv = [str(BIN / "ccx-operator"), *words]
    environment = {"KUBECONFIG": str(cluster.kubeconfig)}
    child = Child("ccx-operator", argv, log=log, env=environment, ready_seconds=None)
    try:
        yield child
    finally:
        child.end()


async def eventually(look: Callable[[], Awaitable[bool]]) -> None:
    """Asked again and again: the caller has a time limit."""
    while not await look():
        pass


async def is_served(session: KubeSession) -> bool:
    with suppress(ApiError):
        await Executions(session).list(NAMESPACE)
        return True
    return False
