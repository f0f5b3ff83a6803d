"""The least that can make pods of executions: one watch, 32 workers, two writes an execution.

watch -> queue of keys -> POST pod -> PATCH status         no finalizer, no Events, no restart

It is what the operator is measured against: `python bare_loop.py KUBECONFIG NAMESPACE POD.json`.
"""

import asyncio
import json
import ssl
import sys
from pathlib import Path
from typing import Any

import aiohttp
import orjson

GROUP = "/apis/cc-executor.dev/v1alpha1"
WORKERS = 32


async def main(config: dict[str, Any], namespace: str, pod: dict[str, Any]) -> None:
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    tls = ssl.create_default_context(cafile=cluster["certificate-authority"])
    tls.load_cert_chain(user["client-certificate"], user["client-key"])
    connector = aiohttp.TCPConnector(ssl=tls, limit=WORKERS + 1)
    async with aiohttp.ClientSession(cluster["server"], connector=connector) as api:
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(feed(api, f"{GROUP}/namespaces/{namespace}/claudeexecutions", queue))
            for _ in range(WORKERS):
                tasks.create_task(work(api, queue, pod))


async def feed(api: aiohttp.ClientSession, path: str, queue: asyncio.Queue[dict[str, Any]]) -> None:
    async with api.get(path) as answer:
        found = orjson.loads(await answer.read())
    for item in found["items"]:
        queue.put_nowait(item)
    params = {"watch": "true", "resourceVersion": found["metadata"]["resourceVersion"]}
    timeout = aiohttp.ClientTimeout(total=None)
    async with api.get(path, params=params, timeout=timeout) as answer:
        print("ready", flush=True)
        rest = b""
        async for piece in answer.content.iter_any():
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                event = orjson.loads(line)
                if event["type"] == "ADDED":
                    queue.put_nowait(event["object"])


async def work(
    api: aiohttp.ClientSession, queue: asyncio.Queue[dict[str, Any]], pod: dict[str, Any]
) -> None:
    while True:
        metadata = (await queue.get())["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        body = {**pod, "metadata": {**pod["metadata"], "name": name}}
        async with api.post(f"/api/v1/namespaces/{namespace}/pods", json=body) as answer:
            answer.raise_for_status()
        status = {"status": {"phase": "Starting", "reason": "PodCreated", "podName": name}}
        path = f"{GROUP}/namespaces/{namespace}/claudeexecutions/{name}/status"
        merge = {"Content-Type": "application/merge-patch+json"}
        async with api.patch(path, data=orjson.dumps(status), headers=merge) as answer:
            answer.raise_for_status()


def read(path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    asyncio.run(main(read(sys.argv[1]), sys.argv[2], read(sys.argv[3])))
