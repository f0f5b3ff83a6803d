from collections.abc import Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path

import pytest

from ccx_dev.stack import running_stack
from support.kubectl import Kubectl
from support.under_test.cluster import ClusterUnderTest, cluster_under_test
from support.under_test.gateways import Gateway, asks_for_a_token, users
from support.under_test.operators import Operator
from support.under_test.processes import Processes
from support.under_test.systems import VARIABLE, installed_system, local_system


@contextmanager
def a_cluster(directory: Path) -> Iterator[ClusterUnderTest]:
    if given := environ.get(VARIABLE):
        system = installed_system(Kubectl(Path(given).absolute(), directory))
        with cluster_under_test(system, directory) as cluster:
            yield cluster
    else:
        with running_stack(directory, use_real_api=False) as stack:
            system = local_system(stack, Kubectl(stack.kubeconfig, directory))
            with cluster_under_test(system, directory) as cluster:
                yield cluster


@pytest.fixture(scope="session")
def cluster(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[ClusterUnderTest]:
    with a_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        tell(request.config, cluster)
        yield cluster


def tell(config: pytest.Config, cluster: ClusterUnderTest) -> None:
    reporter = config.pluginmanager.getplugin("terminalreporter")
    capture = config.pluginmanager.getplugin("capturemanager")
    if reporter is None or capture is None:
        return  # a worker of xdist has no terminal
    with capture.global_and_fixture_disabled():
        for line in ("", *cluster.lines()):
            reporter.write_line(line)


@pytest.fixture
def kubectl(cluster: ClusterUnderTest) -> Iterator[Kubectl]:
    """In the namespace of this run. What a test leaves running there ends with it."""
    yield cluster.kubectl
    cluster.kubectl("delete", "cx", "--all", "--wait=false")


@pytest.fixture(scope="session")
def processes(cluster: ClusterUnderTest) -> Processes:
    return cluster.processes.need()


@pytest.fixture(scope="session")
def claude(cluster: ClusterUnderTest) -> str:
    """The Claude Code CLI in the agent's container."""
    return cluster.claude.need()


@pytest.fixture
def operator(cluster: ClusterUnderTest) -> Operator:
    return cluster.operator.need()


@pytest.fixture(scope="module")
def gateway(
    cluster: ClusterUnderTest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    way = cluster.gateway.need()
    with way(tmp_path_factory.mktemp("gateway")) as websocket:
        signs_in = asks_for_a_token(websocket)
        if signs_in:
            cluster.kubectl.apply(*users())
        yield Gateway(websocket, cluster.kubectl, signs_in)
