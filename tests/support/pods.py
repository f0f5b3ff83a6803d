"""Pods as an API server would have stored them, for the tests of the kubelet."""

from typing import Any

Object = dict[str, Any]


def a_container(*command: str, name: str = "main", **fields: Any) -> Object:
    return {"name": name, "image": "local/image:1", "command": list(command), **fields}


def a_shell(script: str, **fields: Any) -> Object:
    return a_container("sh", "-c", script, **fields)


def a_stubborn(mark: str) -> Object:
    """Ignores TERM, with a child in another session and an orphan: four processes."""
    return a_shell(f"trap '' TERM; setsid sleep {mark} & (sleep {mark} &); echo up; sleep {mark}")


def a_pod(
    *containers: Object,
    name: str = "pod",
    annotations: dict[str, str] | None = None,
    status: Object | None = None,
    **spec: Any,
) -> Object:
    metadata = {"name": name, "namespace": "default", "uid": "u1", "labels": {"app": "x"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**metadata, "annotations": annotations or {}},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 30,
            "containers": list(containers) or [a_container("true")],
            **spec,
        },
        "status": status or {"phase": "Pending"},
    }
