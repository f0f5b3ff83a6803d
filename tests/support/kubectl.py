"""The real kubectl, and waiting with a bound: what the end-to-end tests see the system through."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

Object = dict[str, Any]

COMMAND_SECONDS = 60


def require_kubectl() -> str:
    found = shutil.which("kubectl")
    if found is None:
        pytest.skip("kubectl is not on PATH: install kubectl 1.32 or newer to run this test")
    return found


class Kubectl:
    """`kubectl` against one kubeconfig, with a home of its own for its caches."""

    def __init__(self, kubeconfig: Path, home: Path) -> None:
        self._program = require_kubectl()
        self._env = {**os.environ, "KUBECONFIG": str(kubeconfig), "HOME": str(home)}

    def run(self, *args: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._program, *args],
            input=stdin,
            env=self._env,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def __call__(self, *args: str, stdin: str | None = None) -> str:
        """What it prints; a failure fails the test with kubectl's own words."""
        done = self.run(*args, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(args)}: {done.stderr}"
        return done.stdout

    def apply(self, *objects: Object) -> str:
        return self("apply", "-f", "-", stdin=json.dumps(a_list(*objects)))

    def refused(self, *objects: Object) -> str:
        """Apply what must not be accepted, and return what the user is told."""
        done = self.run("apply", "-f", "-", stdin=json.dumps(a_list(*objects)))
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

    def wait(self, name: str, condition: str, *, seconds: int = 40) -> Object:
        """Until the execution's condition is true (or `Type=False`); returns the execution."""
        done = self.run(
            "wait", f"cx/{name}", f"--for=condition={condition}", f"--timeout={seconds}s"
        )
        assert done.returncode == 0, f"{done.stderr}\n{self('describe', 'cx', name)}"
        return self.execution(name)


def a_list(*objects: Object) -> Object:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


def an_execution(name: str, **spec: Any) -> Object:
    return {
        "apiVersion": "cc-executor.dev/v1alpha1",
        "kind": "ClaudeExecution",
        "metadata": {"name": name, "namespace": "default"},
        "spec": spec,
    }


def a_prompt(name: str, prompt: str, **spec: Any) -> Object:
    """An execution of the real Claude Code CLI against the scripted Messages API."""
    credentials = {"secretRef": {"name": "claude-credentials"}}
    return an_execution(name, prompt=prompt, credentials=credentials, **spec)
