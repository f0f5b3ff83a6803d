"""A cluster stand-in with one execution that is said to run: no operator is there to look at it."""

import json
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ccx_api.names import API_VERSION, KIND, PLURAL
from ccx_dev.child import Child
from ccx_dev.objects import install

EXECUTION = "x"


@contextmanager
def played_cluster(directory: Path) -> Iterator[Path]:
    """Its kubeconfig."""
    kubeconfig = directory / "kubeconfig"
    argv = [sys.executable, "-m", "devcluster", "--kubeconfig", str(kubeconfig)]
    cluster = Child("devcluster", argv, log=directory / "devcluster.log")
    try:
        install(cluster.said, "none", {})
        path = f"{cluster.said}/apis/{API_VERSION}/namespaces/default/{PLURAL}"
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": EXECUTION}}
        _send("POST", path, {**body, "spec": {"command": ["true"]}}, "application/json")
        status = {"phase": "Running", "reason": "Started", "podName": "cx-x-00000000-1"}
        merge = "application/merge-patch+json"
        _send("PATCH", f"{path}/{EXECUTION}/status", {"status": status}, merge)
        yield kubeconfig
    finally:
        cluster.end()


def _send(method: str, url: str, body: dict[str, Any], kind: str) -> None:
    data, headers = json.dumps(body).encode(), {"content-type": kind}
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    urllib.request.urlopen(request, timeout=10).close()
