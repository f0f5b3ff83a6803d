"""The chart on a real cluster: for clusters that are made for it (hack/cluster-tests)."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from manifests.helm import Release
from support.kubectl import Kubectl
from support.under_test.cluster import RESTRICTED, a_namespace

VARIABLE = "CCX_CHART_KUBECONFIG"


@pytest.fixture(scope="session")
def kubeconfig() -> Path:
    given = os.environ.get(VARIABLE)
    if not given:
        pytest.skip(f"{VARIABLE} names no cluster on which the chart may be installed and removed")
    return Path(given).absolute()


@pytest.fixture(scope="session")
def everywhere(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    return Kubectl(kubeconfig, tmp_path_factory.mktemp("kubectl"))


@pytest.fixture
def kubectl(everywhere: Kubectl) -> Iterator[Kubectl]:
    """In a namespace of the test's own, which is gone behind it: nothing may hold it."""
    with a_namespace(everywhere, **RESTRICTED) as kubectl:
        yield kubectl


@pytest.fixture
def release(kubeconfig: Path) -> Iterator[Release]:
    """Installed as by default; so is what the test leaves behind."""
    release = Release(kubeconfig)
    release.install()
    yield release
    release.install()
