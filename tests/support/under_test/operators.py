"""The operator under test as something that can be killed, and started again.

LocalOperator       a process of the local stack
InstalledOperator   a Deployment; kill -9 where its process is this machine's to see
"""

import json
import os
import signal
from contextlib import suppress
from typing import Protocol

from ccx_api.names import OPERATOR_LEASE
from ccx_dev.stack import Stack
from support.kubectl import Kubectl, Object
from support.outside import is_alive
from support.under_test.processes import pids_of_pod
from support.waiting import eventually

DEPLOYMENT = "ccx-operator"
ROLLOUT_SECONDS = 90
LEASE_SECONDS = 30
"""Until another leads than one that was killed."""


class Operator(Protocol):
    def kill(self) -> None:
        """As a crash; none runs until start()."""
        ...

    def start(self) -> None: ...

    def life(self) -> str:
        """Another one after every start; empty while none runs."""
        ...


class Standby(Protocol):
    """Of an operator that has replicas which stand by."""

    def leader(self) -> str:
        """The name of its pod; empty while none leads."""
        ...

    def delete_leader(self) -> None:
        """Its pod, with its grace."""
        ...

    def kill_leader(self) -> bool:
        """kill -9; False where its process cannot be seen from here."""
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
        spec = kubectl.get("deployment", DEPLOYMENT)["spec"]
        self.replicas = max(1, spec["replicas"])
        labels = spec["selector"]["matchLabels"]
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
        self._kubectl("scale", f"deployment/{DEPLOYMENT}", f"--replicas={self.replicas}")
        wanted = f"--timeout={ROLLOUT_SECONDS}s"
        done = self._kubectl.run(
            *("rollout", "status", f"deployment/{DEPLOYMENT}", wanted), seconds=ROLLOUT_SECONDS + 30
        )
        assert done.returncode == 0, done.stderr
        # One that was killed holds the Lease for a while; without an election nobody does.
        eventually(
            lambda: self.leader() in ("", *(pod["metadata"]["name"] for pod in self._pods())),
            seconds=LEASE_SECONDS,
            what="a replica leads",
        )

    def leader(self) -> str:
        holder = "jsonpath={.spec.holderIdentity}"
        told = self._kubectl("get", "lease", OPERATOR_LEASE, "--ignore-not-found", "-o", holder)
        return told.partition("_")[0]

    def delete_leader(self) -> None:
        self._kubectl("delete", "pod", self.leader())

    def kill_leader(self) -> bool:
        pids = pids_of_pod(self._kubectl.get("pod", self.leader())["metadata"]["uid"])
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        return bool(pids)

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
