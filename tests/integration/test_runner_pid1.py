"""The runner as PID 1 of a pid namespace, as in a container: what the agent cannot do to it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.outside import below
from support.runner_process import SOURCES, RunnerProcess, a_runner
from support.waiting import eventually

UNSHARE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


def can_unshare() -> bool:
    if shutil.which("unshare") is None or shutil.which("nsenter") is None:
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(
    not can_unshare(), reason="a pid namespace cannot be made here: needs root and util-linux"
)


@contextmanager
def pid_one(directory: Path, script: str) -> Iterator[RunnerProcess]:
    argv = ["sh", "-c", script]
    runner = [*UNSHARE, sys.executable, "-m", "ccx_runner"]
    with a_runner(directory, argv, runner=runner) as started:
        yield started
        if started.process.poll() is None:
            os.kill(pid_outside(started), signal.SIGTERM)  # unshare itself ignores it


def pid_outside(runner: RunnerProcess) -> int:
    """The runner's pid as the machine counts; `runner.pid` is unshare's."""
    (found,) = (p.pid for p in below(runner.pid) if p.parent == runner.pid)
    return found


def test_the_agent_can_neither_kill_nor_stop_it(tmp_path: Path) -> None:
    with pid_one(tmp_path, "kill -KILL 1; kill -STOP 1; echo still here; exit 4") as runner:
        told = runner.ended()
        assert (told["exitCode"], told["endedBy"]) == (4, None)
        assert runner.stdout == "still here\n"
        assert told["pgid"] == told["pid"]


def test_term_from_inside_is_told_from_the_kubelets(tmp_path: Path) -> None:
    with pid_one(tmp_path, "kill -TERM 1; sleep 600") as runner:
        assert runner.ended()["endedBy"] == "Inside"


def test_term_from_outside_is_the_kubelets(tmp_path: Path) -> None:
    with pid_one(tmp_path, "echo started; sleep 600") as runner:
        runner.wait_for_output("started")
        os.kill(pid_outside(runner), signal.SIGTERM)
        assert runner.ended()["endedBy"] == "Outside"


def test_the_agents_orphans_end_with_it_although_they_left_its_session(tmp_path: Path) -> None:
    with pid_one(tmp_path, "setsid -f sleep 600; echo started; sleep 600") as runner:
        runner.wait_for_output("started")
        os.kill(pid_outside(runner), signal.SIGTERM)
        runner.ended()
        assert runner.survivors() == []


def test_the_link_finds_its_runner_at_pid_1_without_being_told(tmp_path: Path) -> None:
    with pid_one(tmp_path, "echo started; sleep 600") as runner:
        runner.wait_for_output("started")
        inside = ["nsenter", "--pid", "--mount", "--target", str(pid_outside(runner))]
        status = subprocess.run(
            [*inside, sys.executable, "-m", "ccx_runner", "status"],
            env={"PYTHONPATH": str(SOURCES), "CCX_RUN_DIR": str(runner.run_dir)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert status.returncode == 0, status.stderr
        assert json.loads(status.stdout)["state"] == "Running"


def test_the_agent_cannot_use_the_runners_socket(tmp_path: Path) -> None:
    """One-shot commands are for people; the agent must not pause or cancel itself."""
    command = f"PYTHONPATH={SOURCES} CCX_RUN_DIR={tmp_path}/run {sys.executable} -m ccx_runner"
    with pid_one(tmp_path, f"{command} pause; echo code $?; sleep 600") as runner:
        eventually(lambda: "code" in runner.stdout, what="an answer")
        assert "code 1" in runner.stdout
        assert runner.last_words()["state"] == "Running"


def test_without_descriptors_and_without_processes_it_ends_all_the_same(tmp_path: Path) -> None:
    program = "import resource; resource.prlimit(1, resource.RLIMIT_NOFILE, (3, 3))"
    with pid_one(tmp_path, f'{sys.executable} -I -S -c "{program}"') as runner:
        assert runner.ended()["state"] == "Ended"
