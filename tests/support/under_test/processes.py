"""The processes of an execution as they are seen from outside of its runner, wherever its pod is.

execution -> Processes.of() -> Tree: below() the runner, left() after its end

Three ways, found out by a probe whose command line is known: its pid is this machine's; its pod's
cgroup is (the node is this machine, and pids are nested); or a reader is sent in by pod exec.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from ccx_api.names import AGENT_CONTAINER, RUNNER_PYZ
from support import outside
from support.kubectl import Kubectl, Object
from support.outside import Seen
from support.under_test.ability import Ability
from support.waiting import eventually

READER = f"""
{Path(outside.__file__).read_text(encoding="utf-8")}
import dataclasses, json
print(json.dumps([dataclasses.asdict(process) for process in below(1)]))
"""


class Tree(Protocol):
    def below(self) -> list[Seen]:
        """Everything below the runner, zombies too."""
        ...

    def left(self) -> list[Seen]:
        """Who still lives, the runner and all that has been seen below it."""
        ...


class TreeHere:
    """By the pids of this machine."""

    def __init__(self, runner: Seen) -> None:
        self._runner = runner
        self._known = {runner.pid: runner}

    def below(self) -> list[Seen]:
        found = outside.below(self._runner.pid) if self._is_there(self._runner) else []
        self._known |= {process.pid: process for process in found}
        return found

    def left(self) -> list[Seen]:
        self.below()
        return [process for process in self._known.values() if self._is_there(process)]

    @staticmethod
    def _is_there(process: Seen) -> bool:
        """And no other one with its pid."""
        now = outside.see(process.pid)
        return now is not None and now.started == process.started and bool(outside.living([now]))


class TreeInPod:
    """By the pids of the container. When it has ended, so has its pid namespace with all in it."""

    def __init__(self, kubectl: Kubectl, pod: str) -> None:
        self._kubectl, self._pod = kubectl, pod

    def below(self) -> list[Seen]:
        words = ("python3", "-I", "-S", "-c", READER)
        told = json.loads(self._kubectl("exec", self._pod, "-c", AGENT_CONTAINER, "--", *words))
        return [Seen(**{**process, "states": tuple(process["states"])}) for process in told]

    def left(self) -> list[Seen]:
        found = self._kubectl("get", "pod", self._pod, "--ignore-not-found", "-o", "json")
        if not found:
            return []
        (status,) = json.loads(found)["status"]["containerStatuses"]
        return [] if "terminated" in status["state"] else [Seen(1, 0, ("S",), 0, 0), *self.below()]


class Processes:
    """Of the executions of any namespace."""

    def __init__(self, tree: Callable[[Object], Tree]) -> None:
        self._tree = tree

    def of(self, execution: Object) -> Tree:
        """Of one that runs."""
        return self._tree(execution)


def find_processes(kubectl: Kubectl, probe: Object, mark: str) -> Ability[Processes]:
    """`mark` is in the command line of the probe's process, and nowhere else."""
    if runner_of_pod(probe["status"]["podUID"]) is not None:
        told = "/proc of this machine, by the pod's cgroup: the node is here"
        return Ability(told, Processes(_tree_by_cgroup))
    if mark in _command_line(probe["status"]["process"]["pid"]):
        told = "/proc of this machine, by pid: containers are processes of it"
        return Ability(told, Processes(partial(_tree_by_pid, kubectl)))
    told = "by a reader that pod exec sends into the container"
    return Ability(told, Processes(partial(_tree_in_pod, kubectl)))


def _where(kubectl: Kubectl, execution: Object) -> Kubectl:
    return kubectl.within(execution["metadata"]["namespace"])


def _tree_in_pod(kubectl: Kubectl, execution: Object) -> Tree:
    return TreeInPod(_where(kubectl, execution), execution["status"]["podName"])


def _tree_by_pid(kubectl: Kubectl, execution: Object) -> Tree:
    """On a busy machine it runs before the operator has had an answer from its runner."""
    name, there = execution["metadata"]["name"], _where(kubectl, execution)
    told = eventually(lambda: there.execution(name)["status"].get("process"), what="its pid")
    process = outside.see(told["pid"])
    assert process is not None, "the process has gone already"
    return _tree_of(process.parent)


def _tree_by_cgroup(execution: Object) -> Tree:
    return _tree_of(runner_of_pod(execution["status"]["podUID"]))


def _tree_of(pid: int | None) -> Tree:
    runner = outside.see(pid) if pid is not None else None
    assert runner is not None, "the runner has gone already"
    return TreeHere(runner)


def runner_of_pod(uid: str) -> int | None:
    """As this machine counts pids."""
    found = (pid for pid in pids_of_pod(uid) if RUNNER_PYZ in _command_line(pid) and _is_init(pid))
    return next(found, None)


def pids_of_pod(uid: str) -> list[int]:
    """All of its containers' processes, where its node is this machine."""
    names = (uid, uid.replace("-", "_"))  # by the kubelet's cgroupfs or systemd driver
    return [pid for pid in outside.pids() if any(name in _read(pid, "cgroup") for name in names)]


def _is_init(pid: int) -> bool:
    """PID 1 of its own pid namespace."""
    nested = [line for line in _read(pid, "status").splitlines() if line.startswith("NSpid:")]
    return bool(nested) and nested[0].split()[-1] == "1"


def _command_line(pid: int) -> str:
    return _read(pid, "cmdline").replace("\0", " ")


def _read(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""  # gone, or not ours to see
