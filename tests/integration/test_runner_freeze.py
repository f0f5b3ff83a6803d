"""PAUSE stops everything, each of fifty times, seen from outside of the runner."""

from pathlib import Path

import pytest

from ccx_runner.frames import Verb
from support.outside import below, running
from support.runner_process import RunnerProcess, a_runner, python
from support.waiting import eventually

TIMES = 50

FORK_STORM = """
import os
for _ in range(3): os.fork()
while True:
    child = os.fork()
    if not child:
        sum(range(2000)); os._exit(0)
    os.waitpid(child, 0)
"""

FORK_AND_EXIT_CHAINS = """
import os, time
until = time.monotonic() + 60  # nothing but a runner ends such a chain
if os.fork():
    while True: time.sleep(1)
os.setsid()
while time.monotonic() < until:
    if os.fork(): os._exit(0)
"""

TREE_OF_200 = """
import os, time
for _ in range(8):
    if not os.fork():
        for _ in range(24):
            if not os.fork(): break
        break
while True: time.sleep(0.01)
"""

FOREIGN_SESSIONS = """
import subprocess, time
for _ in range(30):
    subprocess.Popen(["sh", "-c", "while :; do sleep 0.05; done"], start_new_session=True)
while True: time.sleep(1)
"""

VFORKS = """
import os, subprocess
os.fork()
while True: subprocess.run(["true"])
"""

POSIX_SPAWNS = """
import os
os.fork()
while True: os.waitpid(os.posix_spawnp("true", ["true"], os.environ), 0)
"""

BUSY_THREADS = """
import hashlib, threading
block = bytes(1 << 20)
def burn():
    while True: hashlib.sha256(block)
for _ in range(7): threading.Thread(target=burn).start()
burn()
"""

LEADER_HAS_GONE = """
import ctypes, threading
def burn():
    while True: pass
threading.Thread(target=burn).start()
ctypes.CDLL(None).pthread_exit(None)
"""

REAPED_CHAINS = """
import ctypes, os, signal, time
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # its orphans come to it, and vanish without a zombie
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
until = time.monotonic() + 60
if os.fork():
    while True: time.sleep(1)
while time.monotonic() < until:
    if os.fork(): os._exit(0)
"""

DISK_WRITES = """
import os, subprocess, tempfile
stopped = subprocess.Popen(["sleep", "600"])
os.kill(stopped.pid, 19)
with tempfile.TemporaryFile(dir=os.environ["CX_DISK"]) as file:
    while True:
        os.write(file.fileno(), b"x"); os.fsync(file.fileno())
"""

LOADS = {
    "a fork storm": (FORK_STORM, 8),
    "chains of processes that fork and exit": (FORK_AND_EXIT_CHAINS, 1),
    "a tree of 200": (TREE_OF_200, 201),
    "30 foreign sessions": (FOREIGN_SESSIONS, 31),
    "vfork loops": (VFORKS, 2),
    "posix_spawn loops": (POSIX_SPAWNS, 2),
    "8 busy threads": (BUSY_THREADS, 1),
    "a thread whose leader has gone": (LEADER_HAS_GONE, 1),
    "chains that leave no zombies": (REAPED_CHAINS, 1),
    "disk writes of a parent with a stopped child": (DISK_WRITES, 2),
}


@pytest.mark.parametrize(("program", "processes"), LOADS.values(), ids=LOADS)
def test_pause_stops_every_thread_of_every_process_each_time(
    program: str, processes: int, tmp_path: Path
) -> None:
    with a_runner(tmp_path, python(program), environment={"CX_DISK": str(tmp_path)}) as runner:
        eventually(lambda: len(runner.survivors()) >= processes + 1)  # and the runner itself
        link = runner.link()
        for _ in range(TIMES):
            snapshot = link.ask(Verb.PAUSE)
            first, second = below(runner.pid), below(runner.pid)
            assert running(first) == []
            assert first == second
            assert snapshot["state"] == "Paused"
            assert snapshot["control"]["proven"]
            assert snapshot["control"]["processesStopped"] >= processes
            assert link.ask(Verb.RESUME)["state"] == "Running"
            eventually(lambda: running(below(runner.pid)), what="something runs again")
        end_it_while_paused(runner)


def end_it_while_paused(runner: RunnerProcess) -> None:
    link = runner.link()
    link.ask(Verb.PAUSE)
    link.ask(Verb.CANCEL)
    link.close()
    runner.links[0].close()
    assert runner.ended()["endedBy"] == "Cancel"
    assert runner.survivors() == []
