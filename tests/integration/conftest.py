from collections.abc import Iterator

import pytest

from ccx_dev.stack import Stack, running_stack


@pytest.fixture(scope="session")
def local_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Cluster stand-in, operator and gateway as processes of their own."""
    with running_stack(tmp_path_factory.mktemp("stack"), use_real_api=False) as stack:
        yield stack
