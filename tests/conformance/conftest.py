"""The clusters of the suite: devcluster always, a real one by CCX_CONFORMANCE_KUBECONFIG."""

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pytest

from conformance.cluster import Cluster, Place, running_cluster
from conformance.definitions import executions, widgets
from support.devcluster_process import devcluster_process
from support.kubectl import Kubectl
from support.waiting import eventually

KUBECONFIG: Final = "CCX_CONFORMANCE_KUBECONFIG"
IMAGE: Final = "CCX_CONFORMANCE_IMAGE"


@pytest.fixture(scope="session")
def devcluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    home = tmp_path_factory.mktemp("devcluster")
    with devcluster_process(home / "kubeconfig"), _place(home / "kubeconfig", home, False) as place:
        yield place


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    given = os.environ.get(KUBECONFIG)
    if not given:
        pytest.skip(f"no real API server: {KUBECONFIG} names no kubeconfig")
    home = tmp_path_factory.mktemp("real")
    with _place(Path(given).resolve(), home, True) as place:
        yield place


@pytest.fixture(params=["devcluster", "real"])
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    """In a namespace of its own, for one case."""
    async with running_cluster(request.getfixturevalue(request.param)) as found:
        yield found


def _wait_for_openapi(kubectl: Kubectl, known: tuple[str, ...]) -> None:
    eventually(lambda: kubectl.run(*known).returncode == 0, what="OpenAPI has it")


@contextmanager
def _place(kubeconfig: Path, home: Path, is_real: bool) -> Iterator[Place]:
    mark, kubectl = secrets.token_hex(4), Kubectl(kubeconfig, home)
    place = Place(
        kubeconfig=kubeconfig,
        kubectl=kubectl,
        is_real=is_real,
        image=os.environ.get(IMAGE) or f"cc-executor/runtime:{version('cc-executor')}",
        widgets=f"w{mark}.conformance.example.dev",
        executions=f"x{mark}.conformance.example.dev",
    )
    made = [widgets(place.widgets), executions(place.executions)]
    names = [f"crd/{one['metadata']['name']}" for one in made]
    try:
        kubectl.apply(*made)
        kubectl("wait", "--for=condition=Established", *names, "--timeout=60s")
        kubectl("get", f"claudeexecutions.{place.executions}")  # what it knew of the API is renewed
        for group, plural in ((place.widgets, "widgets"), (place.executions, "claudeexecutions")):
            known = ("explain", "--api-version", f"{group}/v1alpha1", plural)
            _wait_for_openapi(kubectl, known)
        yield place
    finally:
        kubectl("delete", "--ignore-not-found", "--wait=false", *names)
