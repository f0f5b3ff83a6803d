"""A pod on a devcluster that runs a command under a real runner, as an execution's does."""

import asyncio
import sys
from typing import Any

from ccx_api.names import (
    AGENT_CONTAINER,
    CCX_DIR,
    LABEL_EXECUTION_UID,
    RUN_DIR,
    RUNNER_PYZ,
    TERMINATION_LOG,
)
from ccx_api.v1alpha1 import DesiredState
from ccx_api.wish import Wish
from ccx_kube.pods import Pods
from ccx_kube.session import KubeSession

NAMESPACE = "default"


def python(program: str) -> tuple[str, ...]:
    return (sys.executable, "-c", program)


def an_agent_pod(
    *command: str,
    name: str = "p",
    desired: str = "Running",
    drain: float = 10,
    options: tuple[str, ...] = (),
) -> dict[str, Any]:
    """`options` are the runner's."""
    wish = Wish(generation=1, desired_state=DesiredState(desired)).model_dump_json()
    run = ("run", "--wish", wish, "--grace", "1", "--drain", str(drain), *options, "--")
    run_volume = {"name": "run", "mountPath": RUN_DIR}
    ccx_volume = {"name": "ccx", "mountPath": CCX_DIR}
    env = {"CCX_RUN_DIR": RUN_DIR, "CCX_TERMINATION_LOG": TERMINATION_LOG}
    agent = {
        "name": AGENT_CONTAINER,
        "image": "agent:1",
        "command": ["python3", "-I", "-S", RUNNER_PYZ, *run, *command],
        "env": [{"name": key, "value": value} for key, value in env.items()],
        "volumeMounts": [ccx_volume, run_volume],
    }
    install = {
        "name": "runner",
        "image": "runner:1",
        "command": ["ccx-runner", "install", CCX_DIR],
        "volumeMounts": [ccx_volume],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {LABEL_EXECUTION_UID: name}},
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 5,
            "initContainers": [install],
            "containers": [agent],
            "volumes": [{"name": "ccx", "emptyDir": {}}, {"name": "run", "emptyDir": {}}],
        },
    }


async def reaches(session: KubeSession, name: str, *phases: str) -> dict[str, Any]:
    """The pod, in one of these phases. The caller has a time limit."""
    while True:
        pod = await Pods(session).get(NAMESPACE, name)
        assert pod is not None
        if pod["status"].get("phase") in phases:
            return pod
        await asyncio.sleep(0)
