"""A devcluster as a process of its own, for clients that block, such as kubectl."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ccx_dev.child import Child


@contextmanager
def devcluster_process(kubeconfig: Path, *args: str) -> Iterator[str]:
    """Its URL. On leaving it is asked to end, and must end well."""
    argv = [sys.executable, "-m", "devcluster", "--kubeconfig", str(kubeconfig), *args]
    devcluster = Child("devcluster", argv, log=kubeconfig.with_name("devcluster.log"))
    try:
        yield devcluster.said
    finally:
        code = devcluster.end()
    assert code == 0, f"devcluster ended with {code}: {devcluster.log_tail()}"
