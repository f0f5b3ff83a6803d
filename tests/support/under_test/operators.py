"""The operator under test as something that can be killed, and started again.

LocalOperator       a process of the local stack
InstalledOperator   a Deployment; kill -9 where its process is this machine's to see
"""

import json
import os
import signal
from contextlib import suppress
from typing import Protocol

from ccx_dev.stack import Stack
from support.kubectl import Kubectl, Object
from support.outside import is_alive
from support.under_test.processes import pids_of_pod
from support.waiting import eventually

DEPLOYMENT = "ccx-operator"
ROLLOUT_SECONDS = 90


class Operator(Protocol):
    def kill(self) -> None:
        """As a crash; none runs until start()."""
        ...

    def start(self) -> None: ...

    def life(self) -> str:
        """Another one after every start; empty while none runs."""
        ...


class LocalOperator:
    def __init__(self, stack: Stack) -> None:
        self._stack = stack

    def kill(self) -> None:
        self._stack.operator.kill()

    def start(self) -> None:
        self._stack.start_operator()

    def life(self) -> str:
        pid = self._stack.operator.pid
        return str(pid) if is_alive(pid) else ""


class InstalledOperator:
    def __init__(self, kubectl: Kubectl) -> None:
        """In the namespace of the installation."""
        self._kubectl = kubectl
        labels = kubectl.get("deployment", DEPLOYMENT)["spec"]["selector"]["matchLabels"]
        self._chosen = ",".join(f"{name}={value}" for name, value in labels.items())

    def kill(self) -> None:
        uids = [pod["metadata"]["uid"] for pod in self._pods()]
        for pid in (pid for uid in uids for pid in pids_of_pod(uid)):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        self._kubectl("scale", f"deployment/{DEPLOYMENT}", "--replicas=0")
        self._kubectl("delete", "pod", "-l", self._chosen, "--grace-period=0", "--force")
        eventually(lambda: not self._pods(), what="the operator's pod is gone")
        eventually(lambda: not any(map(pids_of_pod, uids)), what="its processes are gone")

    def start(self) -> None:
        self._kubectl("scale", f"deployment/{DEPLOYMENT}", "--replicas=1")
        wanted = f"--timeout={ROLLOUT_SECONDS}s"
        done = self._kubectl.run(
            *("rollout", "status", f"deployment/{DEPLOYMENT}", wanted), seconds=ROLLOUT_SECONDS + 30
        )
        assert done.returncode == 0, done.stderr

    def life(self) -> str:
        return " ".join(
            f"{pod['metadata']['uid']}/{status['restartCount']}"
            for pod in self._pods()
            for status in pod["status"].get("containerStatuses", ())
        )

    def _pods(self) -> list[Object]:
        listed = json.loads(self._kubectl("get", "pods", "-l", self._chosen, "-o", "json"))
        found: list[Object] = listed["items"]
        return found
