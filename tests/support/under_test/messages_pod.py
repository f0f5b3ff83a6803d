"""The scripted Messages API as a pod of the cluster under test, for Claude Code in other pods.

hack/messages_api -> ConfigMap -> pod of the control image, which has aiohttp -> its address
"""

import json
from pathlib import Path

import messages_api
from support.kubectl import Kubectl, Object
from support.waiting import eventually

NAME = "messages-api"
PORT = 8080
FOLDER = Path(messages_api.__file__).parent


def messages_api_in_pod(kubectl: Kubectl, image: str) -> str:
    """Its URL by address, since a cluster may have no DNS. It goes with its namespace."""
    kubectl.apply(_sources(), _pod(image))
    pod = eventually(lambda: _ready(kubectl), seconds=90, what=f"the pod {NAME} serves")
    address = pod["status"]["podIP"]
    return f"http://{address}:{PORT}"


def _ready(kubectl: Kubectl) -> Object | None:
    pod: Object = json.loads(kubectl("get", "pod", NAME, "-o", "json"))
    conditions = {c["type"]: c["status"] for c in pod["status"].get("conditions", ())}
    ended = pod["status"].get("phase") in ("Failed", "Succeeded")
    assert not ended, f"{NAME} has ended: {kubectl('logs', NAME)}"
    return pod if conditions.get("Ready") == "True" else None


def _sources() -> Object:
    files = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py")}
    metadata = {"name": NAME}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": files}


def _pod(image: str) -> Object:
    container = {
        "name": NAME,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-m", "messages_api", "--host", "0.0.0.0", "--port", str(PORT)],
        "env": [
            {"name": "PYTHONPATH", "value": "/app"},
            {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
        ],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": [{"name": "sources", "mountPath": f"/app/{FOLDER.name}"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": NAME},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [{"name": "sources", "configMap": {"name": NAME}}],
        },
    }
