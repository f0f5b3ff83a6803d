"""What the README tells its reader to type works, in the order in which it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.under_test.cluster import ClusterUnderTest

ROOT = Path(__file__).parents[2]
KUBECONFIG_LINE = "export KUBECONFIG=.ccx/kubeconfig"


def commands() -> str:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```bash\n(.*?)```", readme, re.DOTALL)
    return "".join(block for block in blocks if "kubectl" in block)


def test_the_make_targets_that_it_names_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:^|`)make (\w+)", readme, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.usefixtures("claude")
def test_its_kubectl_commands_do_what_they_say(cluster: ClusterUnderTest, tmp_path: Path) -> None:
    stack = cluster.stack.need()
    script = commands()
    assert KUBECONFIG_LINE in script
    script = re.sub(r"--timeout \d+s", "--timeout 120s", script)  # this machine may be busy
    done = subprocess.run(
        ["bash", "-euxc", script.replace(KUBECONFIG_LINE, "")],
        cwd=ROOT,
        env={**os.environ, "KUBECONFIG": str(stack.kubeconfig), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^hello +Succeeded +Completed +2 +0\.\d+ ", done.stdout, re.MULTILINE)
    assert re.search(r"^[1-9]\d* processes are frozen$", done.stdout, re.MULTILINE)
    assert re.search(r"^ticks +Cancelled ", done.stdout, re.MULTILINE)


def test_the_program_in_it_is_the_example(cluster: ClusterUnderTest) -> None:
    stack = cluster.stack.need()
    (program,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
    )
    example = ROOT / "examples/websocket.py"
    assert program == example.read_text(encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(example), stack.websocket],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    told = [line.split()[0] for line in done.stdout.splitlines()]
    assert told[:3] == ["connected", "answer", "process.started"]
    ticks = re.findall(r"tick \d", done.stdout)  # several may come in one message
    assert ticks == [f"tick {number}" for number in range(1, 6)]
    assert told.index("process.paused") < told.index("process.resumed")
    assert told[-1] == "process.completed"
