"""The Node object: what the cluster knows of this machine."""

import os
import platform
from datetime import UTC, datetime
from typing import Any

from devcluster.history import Object
from devcluster.kubelet.container_state import timestamp
from devcluster.kubelet.lookup import NODE_IP
from devcluster.store import Store

LOST = ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
READY = ("True", "KubeletReady", "kubelet is posting ready status")
PODS = "110"


class Node:
    def __init__(self, store: Store, name: str) -> None:
        self._store, self.name = store, name

    def register(self) -> None:
        """Make the object, or take over the one of an earlier run."""
        if self._store.get("nodes", "", self.name) is None:
            self._store.create("nodes", "", _node(self.name))
        self.set_lost(False)

    def set_lost(self, lost: bool) -> None:
        self._store.modify("nodes", "", self.name, lambda node: _with_ready(node, lost))


def _with_ready(node: Object, lost: bool) -> Object:
    status, reason, message = LOST if lost else READY
    others = [c for c in node["status"]["conditions"] if c["type"] != "Ready"]
    old = [c for c in node["status"]["conditions"] if c["type"] == "Ready"]
    if old and old[0]["status"] == status:
        return node
    node["status"]["conditions"] = [*others, _condition("Ready", status, reason, message)]
    return node


def _condition(kind: str, status: str, reason: str, message: str) -> Object:
    now = timestamp(datetime.now(UTC))
    why = {"reason": reason, "message": message}
    return {"type": kind, "status": status, "lastTransitionTime": now, **why}


def _node(name: str) -> Object:
    architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "unknown")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
    capacity = {"cpu": str(os.cpu_count()), "memory": f"{memory}Ki", "pods": PODS}
    pressure = ("MemoryPressure", "False", "KubeletHasSufficientMemory", "enough memory")
    labels = {"hostname": name, "os": "linux", "arch": architecture}
    labels = {f"kubernetes.io/{key}": value for key, value in labels.items()}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {},
        "status": {
            "capacity": capacity,
            "allocatable": dict(capacity),
            "addresses": [
                {"type": "InternalIP", "address": NODE_IP},
                {"type": "Hostname", "address": name},
            ],
            "conditions": [_condition(*pressure)],
            "nodeInfo": _node_info(architecture),
        },
    }


def _node_info(architecture: str) -> dict[str, Any]:
    return {
        "architecture": architecture,
        "operatingSystem": "linux",
        "osImage": "devcluster: local processes",
        "kernelVersion": platform.release(),
        "containerRuntimeVersion": "devcluster://1",
        "kubeletVersion": "v1.34.0-devcluster",
        "kubeProxyVersion": "",
        "machineID": "",
        "systemUUID": "",
        "bootID": "",
    }
