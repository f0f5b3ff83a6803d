from collections.abc import Iterator
from pathlib import Path

import pytest

from ccx_dev.claude_cli import MISSING, claude_directory
from ccx_dev.stack import Stack, running_stack
from support.kubectl import Kubectl, require_kubectl


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    require_kubectl()
    with running_stack(tmp_path_factory.mktemp("stack"), use_real_api=False) as stack:
        yield stack


@pytest.fixture
def kubectl(stack: Stack, tmp_path: Path) -> Kubectl:
    return Kubectl(stack.kubeconfig, tmp_path)


@pytest.fixture(scope="session")
def claude() -> Path:
    """The Claude Code CLI's folder."""
    found = claude_directory()
    if found is None:
        pytest.skip(MISSING)
    return found
