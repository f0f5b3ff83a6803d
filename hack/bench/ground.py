"""Where a row is measured: our operator and gateway of this checkout, at either of the clusters.

devcluster | a real cluster on this machine -> Ground -> rows that do not care which it is
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bench.cluster import Namespace, a_namespace
from bench.harness import Bench
from bench.processes import parent, runner_of_pod
from bench.programs import start_operator
from ccx_dev.stack import running_stack, start_gateway, websocket_of
from ccx_kube.session import KubeSession


@dataclass(frozen=True, slots=True)
class Ground:
    name: str
    at: Namespace
    websocket: str
    """Of the gateway."""

    runner_of: Callable[[int, str | None], int]
    """The runner's pid on this machine: of the process id as the pod sees it, and the pod's uid."""


@asynccontextmanager
async def on_devcluster(bench: Bench) -> AsyncIterator[Ground]:
    with running_stack(bench.directory / "control", use_real_api=False) as stack:
        async with await KubeSession.from_environment(str(stack.kubeconfig)) as session:
            yield Ground("devcluster", Namespace(session, "default"), stack.websocket, _its_parent)


@asynccontextmanager
async def on_kubernetes(bench: Bench) -> AsyncIterator[Ground]:
    """Raises StackError where there is none."""
    async with a_namespace() as namespace:
        kubeconfig = namespace.kubeconfig(bench.directory)
        operator = start_operator(kubeconfig, bench.directory, "--namespace", namespace.name)
        gateway = start_gateway(bench.directory, kubeconfig)
        try:
            yield Ground("Kubernetes", namespace, websocket_of(gateway), _in_pod)
        finally:
            gateway.end()
            operator.end()


def _its_parent(pid: int, _: str | None) -> int:
    return parent(pid)


def _in_pod(_: int, pod_uid: str | None) -> int:
    assert pod_uid is not None
    return runner_of_pod(pod_uid)
