"""Pods that every namespace takes: Pod Security restricted, commands of sh alone."""

from typing import Any, Final

from conformance.cluster import Answer, Cluster

Object = dict[str, Any]

READY: Final = "Ready"
_SAFE: Final = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
_LOCKED: Final = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def a_container(image: str, script: str, name: str = "main", **fields: Any) -> Object:
    command = ["sh", "-c", script]
    return {"name": name, "image": image, "command": command, "securityContext": _LOCKED, **fields}


def a_pod(*containers: Object, name: str = "p", metadata: Any = None, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **(metadata or {})},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "securityContext": _SAFE,
            "containers": list(containers),
            **spec,
        },
    }


async def created(cluster: Cluster, pod: Object) -> Object:
    """Once the namespace has its service account, which every pod needs."""
    account = cluster.core("serviceaccounts", "default")
    await cluster.until(account, lambda answer: answer.code == 200)
    return await cluster.create(cluster.core("pods"), pod)


async def running(cluster: Cluster, script: str, **spec: Any) -> str:
    """The name of a pod that is ready."""
    await created(cluster, a_pod(a_container(cluster.image, script), **spec))
    await cluster.until(cluster.core("pods", "p"), is_ready)
    return "p"


async def ended(cluster: Cluster, script: str, **spec: Any) -> Object:
    """The pod after its end."""
    await created(cluster, a_pod(a_container(cluster.image, script), **spec))
    answer = await cluster.until(cluster.core("pods", "p"), is_over)
    found: Object = answer.body
    return found


def is_ready(answer: Answer) -> bool:
    found = (answer.body.get("status") or {}).get("conditions") or []
    return any(c["type"] == READY and c["status"] == "True" for c in found)


def is_over(answer: Answer) -> bool:
    return (answer.body.get("status") or {}).get("phase") in ("Succeeded", "Failed")
