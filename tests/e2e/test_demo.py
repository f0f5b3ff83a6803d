"""`make demo` shows what it promises, and leaves nothing behind."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ccx_dev.stack import API_KEYS
from support.under_test.cluster import ClusterUnderTest


def processes_that_name(text: str) -> list[str]:
    """Command lines with `text` in them."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # not a process, or gone
        if text in line and entry.name != str(os.getpid()):
            found.append(line)
    return found


@pytest.mark.usefixtures("claude")
def test_the_demo_pauses_resumes_and_completes_a_real_run(
    cluster: ClusterUnderTest, tmp_path: Path
) -> None:
    cluster.stack.need()  # it starts one like it
    directory = tmp_path / "the-demo"
    environment = {name: value for name, value in os.environ.items() if name not in API_KEYS}
    done = subprocess.run(
        [sys.executable, "-m", "ccx_dev.demo", "--directory", str(directory)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    told = done.stdout
    assert done.returncode == 0, told + done.stderr
    assert "SCRIPTED" in told
    for part in ("status     Running", "output     [0..", "completed  exit code 0"):
        assert part in told, part
    story = ["execute", "status     Starting", "started", "PAUSE", "frozen", "silence", "RESUME"]
    story += ["status     Running   Resumed", "status     Succeeded"]
    at = 0
    for part in story:
        at = told.find(part, at)
        assert at >= 0, f"{part!r} is not told, or not in order:\n{told}"
    assert re.search(r"frozen +[1-9]\d* processes", told)
    assert re.search(r"^demo +Succeeded +Completed +2 +0\.\d+ +cx-demo-", told, re.MULTILINE)
    assert re.findall(r"\btick (\d+)$", told, re.MULTILINE) == [str(n) for n in range(1, 11)]
    assert processes_that_name(str(directory)) == []
