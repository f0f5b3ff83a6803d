"""A devcluster as a process of its own, for clients that block, such as kubectl."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READY_SECONDS = 30
END_SECONDS = 20


@contextmanager
def devcluster_process(kubeconfig: Path, *args: str) -> Iterator[str]:
    """Its URL. On leaving it is asked to end, and must end well."""
    argv = [sys.executable, "-m", "devcluster", "--kubeconfig", str(kubeconfig), *args]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as process:
        try:
            yield _url(process)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                code = process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert code == 0, f"devcluster ended with {code}"


def _url(process: subprocess.Popen[bytes]) -> str:
    """What stands behind `ready`."""
    assert process.stdout is not None
    deadline, said = time.monotonic() + READY_SECONDS, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(deadline - time.monotonic()):
            piece = os.read(process.stdout.fileno(), 65_536)
            said += piece
            lines = said.decode().splitlines(keepends=True)
            for line in lines:
                if line.startswith("ready ") and line.endswith("\n"):
                    return line.split()[1]
            if not piece:
                break
    raise AssertionError(f"devcluster did not get ready: {said.decode()}")
