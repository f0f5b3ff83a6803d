"""The real kubectl, and waiting with a bound: what the end-to-end tests see the system through."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ccx_api.names import AGENT_CONTAINER

Object = dict[str, Any]

COMMAND_SECONDS = 120


def require_kubectl() -> str:
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip("kubectl is not on PATH: install kubectl 1.32 or newer to run this test")
    return found


class Kubectl:
    """`kubectl` against one kubeconfig, with a home of its own for its caches."""

    def __init__(self, kubeconfig: Path, home: Path, namespace: str | None = None) -> None:
        self.kubeconfig, self.namespace = kubeconfig, namespace
        self._home = home
        self._program = require_kubectl()
        self._env = {**os.environ, "KUBECONFIG": str(kubeconfig), "HOME": str(home)}

    def within(self, namespace: str) -> "Kubectl":
        """The same, with that namespace where a command names none."""
        return Kubectl(self.kubeconfig, self._home, namespace)

    def argv(self, *args: str) -> list[str]:
        place = ["--namespace", self.namespace] if self.namespace else []
        return [self._program, *place, *args]

    def run(
        self, *args: str, stdin: str | None = None, seconds: float = COMMAND_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*args),
            input=stdin,
            env=self._env,
            capture_output=True,
            encoding="utf-8",
            errors="replace",  # the link's frames are no text
            timeout=seconds,
            check=False,
        )

    def start(self, *args: str, log: Path) -> "subprocess.Popen[bytes]":
        """For what goes on until it is ended."""
        with log.open("wb") as out:
            return subprocess.Popen(
                self.argv(*args), env=self._env, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    def __call__(self, *args: str, stdin: str | None = None) -> str:
        """What it prints; a failure fails the test with kubectl's own words."""
        done = self.run(*args, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(args)}: {done.stderr}"
        return done.stdout

    def apply(self, *objects: Object) -> str:
        return self("apply", "-f", "-", stdin=documents(*objects))

    def refused(self, *objects: Object) -> str:
        """Apply what must not be accepted, and return what the user is told."""
        done = self.run("apply", "-f", "-", stdin=documents(*objects))
        assert done.returncode != 0, f"was accepted: {done.stdout}"
        return done.stderr

    def get(self, kind: str, name: str) -> Object:
        found: Object = json.loads(self("get", kind, name, "-o", "json"))
        return found

    def execution(self, name: str) -> Object:
        return self.get("claudeexecution", name)

    def wish(self, name: str, state: str) -> None:
        patch = json.dumps({"spec": {"desiredState": state}})
        self("patch", "cx", name, "--type", "merge", "-p", patch)

    def wait(self, name: str, condition: str, *, seconds: int = 90) -> Object:
        """Until the execution's condition is true (or `Type=False`); returns the execution."""
        return self._until(name, f"condition={condition}", seconds)

    def wait_for_process(self, name: str, *, seconds: int = 90) -> Object:
        """Until its process is known, which may be a moment after it runs; the execution."""
        return self._until(name, "jsonpath={.status.process.pid}", seconds)

    def reaches(self, name: str, reason: str, *, seconds: int = 90) -> Object:
        """The execution's status once it has that reason."""
        status: Object = self._until(name, f"jsonpath={{.status.reason}}={reason}", seconds)[
            "status"
        ]
        return status

    def _until(self, name: str, wanted: str, seconds: int) -> Object:
        done = self.run(
            *("wait", f"cx/{name}", f"--for={wanted}", f"--timeout={seconds}s"),
            seconds=seconds + COMMAND_SECONDS,
        )
        assert done.returncode == 0, f"{done.stderr}\n{self('describe', 'cx', name)}"
        return self.execution(name)


def documents(*objects: Object) -> str:
    """One after the other: of a List kubectl does not ask the server for strict validation."""
    return "\n".join(map(json.dumps, objects))


def an_execution(name: str, **spec: Any) -> Object:
    return {
        "apiVersion": "cc-executor.dev/v1alpha1",
        "kind": "ClaudeExecution",
        "metadata": {"name": name},
        "spec": spec,
    }


def a_prompt(name: str, prompt: str, **spec: Any) -> Object:
    """An execution of the real Claude Code CLI against the scripted Messages API."""
    credentials = {"secretRef": {"name": "claude-credentials"}}
    return an_execution(name, prompt=prompt, credentials=credentials, **spec)


def a_pod_of_somebody(name: str, image: str, **metadata: Any) -> Object:
    """Not the operator's; it meets Pod Security `restricted`, and sleeps."""
    container = {
        "name": AGENT_CONTAINER,
        "image": image,
        "command": ["sleep", "600"],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    security = {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **metadata},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": security,
            "containers": [container],
        },
    }
