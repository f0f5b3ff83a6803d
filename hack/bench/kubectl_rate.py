"""The baselines that everybody has: how fast `kubectl logs -f` and `kubectl exec` bring output.

a pod of nobody, of the runtime image -> its log, or an exec in it -> kubectl -> we discard
"""

import asyncio
import time
from itertools import count
from typing import Final

from bench.cluster import LOOK_SECONDS, Namespace, a_pod

LOG_BYTES: Final = 10_000_000
"""By `kubectl logs -f`, which is so slow."""

PRINT: Final = """
import os, sys
left, block = int(sys.argv[1]), (b"x" * 99 + b"\\n") * 655
while left > 0:
    left -= os.write(1, block[:left])
"""
READ_BYTES: Final = 256 * 1024
WAIT_SECONDS: Final = 300.0

_numbers = count(1)


async def logs_rate(namespace: Namespace, kubectl: list[str], image: str) -> float:
    """MB/s. `kubectl` is its argv up to the verb."""
    pod = await _bare_pod(namespace, image, ["python3", "-c", PRINT, str(LOG_BYTES)])
    return await _rate([*kubectl, "logs", "-f", pod])


async def exec_rate(namespace: Namespace, kubectl: list[str], image: str, total: int) -> float:
    pod = await _bare_pod(namespace, image, ["sleep", "600"])
    return await _rate([*kubectl, "exec", pod, "--", "head", "-c", str(total), "/dev/zero"])


async def _rate(argv: list[str]) -> float:
    """Of its stdout, from the first byte to the last."""
    process = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    came, began, ended = 0, 0.0, 0.0
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while data := await process.stdout.read(READ_BYTES):
                ended = time.perf_counter()
                began, came = began or ended, came + len(data)
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
    return came / 1e6 / (ended - began)


async def _bare_pod(namespace: Namespace, image: str, command: list[str]) -> str:
    """Once it runs or has run."""
    name = f"path-{next(_numbers)}"
    path = f"/api/v1/namespaces/{namespace.name}/pods"
    body = {"metadata": {"name": name}, "spec": a_pod(image, command)}
    await namespace.session.request("POST", path, body=body)
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            found = await namespace.session.request("GET", f"{path}/{name}")
            if found["status"].get("phase") in ("Running", "Succeeded"):
                return name
            await asyncio.sleep(LOOK_SECONDS)
