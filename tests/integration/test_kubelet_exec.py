"""Exec in a container of the kubelet: streams, ends, and nothing left behind."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devcluster.kubelet.exec_process import Exec
from devcluster.kubelet.pipes import PipeReader
from devcluster.ports import NodeError
from support.node import (
    SECONDS,
    RunningNode,
    a_mark,
    has_phase,
    marked,
    running_node,
    until_marked,
)
from support.pods import a_container, a_pod

FLOOD = 20_000_000


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[RunningNode]:
    """With a pod that runs until it is told to end."""
    async with running_node(tmp_path) as node:
        env = [{"name": "A", "value": "1"}]
        mounts = [{"name": "v", "mountPath": "/shared"}]
        main = a_container("sleep", "3600", env=env, volumeMounts=mounts)
        node.create(a_pod(main, volumes=[{"name": "v", "emptyDir": {}}]))
        await node.until(has_phase("Running"))
        async with asyncio.timeout(SECONDS):
            yield node


async def start(node: RunningNode, *command: str, stdin: bool = False, tty: bool = False) -> Exec:
    return await node.kubelet.exec("default", "pod", "main", command, stdin=stdin, tty=tty)


async def everything(reader: PipeReader | None) -> bytes:
    assert reader is not None
    pieces = []
    while piece := await reader.read():
        pieces.append(piece)
    return b"".join(pieces)


async def test_an_exec_has_the_containers_environment_paths_and_main_process(
    node: RunningNode,
) -> None:
    script = "echo $A; cat /proc/$CCX_RUNNER_PID/comm; echo x > /shared/f; echo err >&2; exit 7"
    process = await start(node, "sh", "-c", script)
    assert await everything(process.stdout) == b"1\nsleep\n"
    assert await everything(process.stderr) == b"err\n"
    assert await process.wait() == 7
    await process.kill()


async def test_stdin_is_taken_until_it_is_closed(node: RunningNode) -> None:
    process = await start(node, "cat", stdin=True)
    await process.write_stdin(b"one")
    assert await process.stdout.read(100) == b"one"
    await process.close_stdin()
    assert await everything(process.stdout) == b""
    assert await process.wait() == 0
    await process.kill()


async def test_without_stdin_there_is_its_end(node: RunningNode) -> None:
    process = await start(node, "cat")
    assert await process.wait() == 0
    await process.kill()


async def test_a_process_waits_for_its_reader_and_every_byte_arrives(node: RunningNode) -> None:
    process = await start(node, "sh", "-c", f"head -c {FLOOD} /dev/zero; echo done >&2")
    assert process.stderr is not None
    waiting = asyncio.create_task(process.stderr.read())
    first = await process.stdout.read(1000)
    assert not waiting.done()
    digest, count = hashlib.sha256(first), len(first)
    while piece := await process.stdout.read():
        digest.update(piece)
        count += len(piece)
    assert (count, digest.hexdigest()) == (FLOOD, hashlib.sha256(bytes(FLOOD)).hexdigest())
    assert await waiting == b"done\n"
    await process.kill()


async def test_a_writer_waits_for_a_process_that_does_not_read(node: RunningNode) -> None:
    process = await start(node, "sleep", "3600", stdin=True)
    writing = asyncio.create_task(process.write_stdin(bytes(1_000_000)))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await asyncio.shield(writing)
    await process.kill()
    await writing
    assert await process.wait() == 137


async def test_a_killed_exec_takes_its_whole_session_and_tree_with_it(node: RunningNode) -> None:
    mark = a_mark()
    script = f"trap '' TERM; sleep {mark} & setsid sh -c 'sleep {mark}; :' & sleep {mark}"
    process = await start(node, "sh", "-c", script)
    await until_marked(mark, 5)
    await process.kill()
    assert await process.wait() == 137
    await until_marked(mark, 0)
    assert node.pod()["status"]["phase"] == "Running"


async def test_what_an_exec_leaves_behind_in_its_session_ends_with_it(node: RunningNode) -> None:
    mark = a_mark()
    process = await start(node, "sh", "-c", f"(sleep {mark} &); exit 0")
    assert await process.wait() == 0
    assert await everything(process.stdout) == b""
    await until_marked(mark, 0)
    await process.kill()


async def test_an_exec_ends_with_its_container(node: RunningNode) -> None:
    mark = a_mark()
    process = await start(node, "sleep", mark)
    node.delete(grace=1)
    assert await process.wait() == 137
    await node.until_gone()
    assert marked(mark) == 0
    await process.kill()


async def test_a_terminal_is_one(node: RunningNode) -> None:
    process = await start(node, "sh", "-c", "tty && stty -echo && read x && echo got $x", tty=True)
    assert process.stderr is None
    said = await process.stdout.read(100)
    assert said.startswith(b"/dev/pts/")
    await process.write_stdin(b"this\n")
    assert b"got this\r\n" in await everything(process.stdout)
    assert await process.wait() == 0
    await process.kill()


async def test_a_program_that_does_not_exist_is_refused_by_name(node: RunningNode) -> None:
    with pytest.raises(NodeError, match='exec: "nothing": executable file not found in'):
        await start(node, "nothing")


async def test_a_container_that_has_ended_takes_no_exec(node: RunningNode) -> None:
    node.create(a_pod(name="done"))
    await node.until(has_phase("Succeeded"), "done")
    with pytest.raises(NodeError, match="completed pod; current phase is Succeeded"):
        await node.kubelet.exec("default", "done", "main", ["true"], stdin=False, tty=False)


async def test_fifty_execs_side_by_side_each_get_their_own_answer(node: RunningNode) -> None:
    async def answer(n: int) -> bytes:
        process = await start(node, "echo", str(n))
        try:
            return await everything(process.stdout)
        finally:
            await process.kill()

    answers = await asyncio.gather(*map(answer, range(50)))
    assert answers == [b"%d\n" % n for n in range(50)]
