"""The least that can make pods of executions: one watch, 32 workers, the same bodies as ours.

watch -> queue -> PATCH finalizers -> POST pod -> PATCH status     no Events, no restart, no doubt

What the operator is measured against: `python bare_loop.py KUBECONFIG NAMESPACE BODIES.json`, with
`pod`, `status` and `finalizers`; no finalizers, no first write.
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


async def main(config: dict[str, Any], namespace: str, bodies: dict[str, Any]) -> None:
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    tls = ssl.create_default_context(cafile=cluster["certificate-authority"])
    tls.load_cert_chain(user["client-certificate"], user["client-key"])
    connector = aiohttp.TCPConnector(ssl=tls, limit=WORKERS + 1)
    async with aiohttp.ClientSession(cluster["server"], connector=connector) as api:
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(feed(api, f"{GROUP}/namespaces/{namespace}/claudeexecutions", queue))
            for _ in range(WORKERS):
                tasks.create_task(work(api, queue, bodies))


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
    api: aiohttp.ClientSession, queue: asyncio.Queue[dict[str, Any]], bodies: dict[str, Any]
) -> None:
    pod, finalizers = bodies["pod"], bodies["finalizers"]
    while True:
        metadata = (await queue.get())["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        path = f"{GROUP}/namespaces/{namespace}/claudeexecutions/{name}"
        if finalizers:
            await patch(api, path, {"metadata": {"finalizers": finalizers}})
        body = {**pod, "metadata": {**pod["metadata"], "name": name}}
        async with api.post(f"/api/v1/namespaces/{namespace}/pods", json=body) as answer:
            answer.raise_for_status()
        await patch(api, f"{path}/status", {"status": {**bodies["status"], "podName": name}})


async def patch(api: aiohttp.ClientSession, path: str, body: dict[str, Any]) -> None:
    merge = {"Content-Type": "application/merge-patch+json"}
    async with api.patch(path, data=orjson.dumps(body), headers=merge) as answer:
        answer.raise_for_status()


if __name__ == "__main__":
    kubeconfig, namespace, bodies = sys.argv[1:]
    config, writes = (json.loads(Path(path).read_text()) for path in (kubeconfig, bodies))
    asyncio.run(main(config, namespace, writes))
