"""How pods end on the kubelet: no process is left, whatever ends them."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devcluster.ports import LogOptions
from devcluster.store import Store
from support.node import (
    RunningNode,
    a_mark,
    has_phase,
    marked,
    running_node,
    state,
    until_marked,
    until_true,
)
from support.pods import a_pod, a_shell, a_stubborn

TESTS = Path(__file__).parents[1]


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[RunningNode]:
    async with running_node(tmp_path) as node:
        yield node


async def test_an_ended_container_leaves_no_process(node: RunningNode) -> None:
    mark = a_mark()
    node.create(a_pod(a_shell(f"sleep {mark} & (setsid sleep {mark} &); env -i sleep {mark} & :")))
    await node.until(has_phase("Succeeded"))
    assert marked(mark) == 0


STORMS = {
    "each process starts the next and exits": (
        "import os\nwhile True:\n    if os.fork(): os._exit(0)\n    os.setsid()",
        1,
    ),
    "two hundred sessions": (
        "import os,time\nfor _ in range(200):\n    if not os.fork():\n        os.setsid(); "
        "time.sleep(3600)\ntime.sleep(3600)",
        200,
    ),
    "children that are stopped": (
        "import os,signal,time\nfor _ in range(20):\n    if not os.fork():\n"
        "        os.kill(os.getpid(), signal.SIGSTOP)\ntime.sleep(3600)",
        20,
    ),
}


"""Programs, and how many processes of each there are at least."""


@pytest.mark.parametrize(("program", "processes"), STORMS.values(), ids=STORMS)
async def test_no_tree_escapes_the_end_of_its_container(
    node: RunningNode, program: str, processes: int
) -> None:
    mark = a_mark()
    node.create(a_pod(a_shell(f"trap 'exit 0' TERM; python3 -ISc '{program}' {mark} & wait")))
    await until_true(lambda: marked(mark) > processes)
    node.delete()
    await node.until_gone()
    assert [marked(mark) for _ in range(20)] == [0] * 20  # one look may miss a process that hops


async def test_deletion_is_term_and_the_last_words_come_before_the_end(node: RunningNode) -> None:
    trap = "trap 'echo gone > /dev/termination-log; exit 5' TERM"
    node.create(a_pod(a_shell(f"{trap}; echo up; while :; do sleep 0.05; done")))
    await node.until(has_phase("Running"))
    following = node.kubelet.logs("default", "pod", "main", LogOptions(follow=True))
    assert await anext(following) == b"up\n"
    changes = node.store.subscribe("pods")
    node.delete()
    await node.until_gone()
    seen: list[tuple[str, dict[str, Any]]] = []
    while not seen or seen[-1][0] != "DELETED":
        seen.append(await anext(changes))
    changes.close()
    last = next(pod for kind, pod in reversed(seen) if kind == "MODIFIED")
    assert state(last)[1]["exitCode"] == 5
    assert state(last)[1]["message"] == "gone\n"
    assert [chunk async for chunk in following] == []


async def test_after_the_grace_every_process_is_killed(node: RunningNode) -> None:
    mark = a_mark()
    node.create(a_pod(a_stubborn(mark)))
    await until_marked(mark, 4)
    node.delete(grace=1)
    await node.until_gone()
    assert marked(mark) == 0


async def test_a_second_deletion_shortens_the_grace(node: RunningNode) -> None:
    mark = a_mark()
    node.create(a_pod(a_stubborn(mark)))
    await until_marked(mark, 4)
    node.delete(grace=600)
    await node.until_told("Killing")
    node.delete(grace=1)
    await node.until_gone()
    assert marked(mark) == 0


async def test_a_pod_that_is_removed_by_force_is_ended_and_its_name_is_free(
    node: RunningNode,
) -> None:
    mark = a_mark()
    node.create(a_pod(a_stubborn(mark)))
    await until_marked(mark, 4)
    node.store.delete_now("pods", "default", "pod", uid=node.pod()["metadata"]["uid"])
    node.create(a_pod(a_shell("echo another")))
    await node.until(has_phase("Succeeded"))
    await until_marked(mark, 0)
    assert await node.log() == "another\n"


async def test_what_ran_when_the_node_went_down_is_failed_when_it_is_back(tmp_path: Path) -> None:
    mark, store = a_mark(), Store()
    async with running_node(tmp_path, store=store) as node:
        node.create(a_pod(a_shell(f"echo before; sleep {mark}")))
        await until_marked(mark, 2)
    assert marked(mark) == 0
    assert node.pod()["status"]["phase"] == "Running"  # a node without power tells nothing
    async with running_node(tmp_path, store=store) as node:
        ended = state(await node.until(has_phase("Failed")))[1]
        assert (ended["exitCode"], ended["reason"]) == (137, "ContainerStatusUnknown")
        assert await node.log() == "before\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_no_process_outlives_the_process_of_the_node(
    tmp_path: Path, number: signal.Signals
) -> None:
    mark = a_mark()
    script = a_stubborn(mark)["command"][-1]
    program = [sys.executable, str(TESTS / "support/node_program.py"), str(tmp_path), script]
    env = {**os.environ, "PYTHONPATH": str(TESTS)}
    process = subprocess.Popen(program, env=env)  # noqa: ASYNC220
    try:
        await until_marked(mark, 5)  # with the node's own argument
    finally:
        process.send_signal(number)
        code = process.wait(60)
    assert code == (0 if number == signal.SIGTERM else -number)
    await until_marked(mark, 0)
