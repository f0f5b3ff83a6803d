"""What a client gets of a finished pod's log: all of it with offsets, or a gap and a lossy tail."""

import asyncio
import hashlib
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from ccx_gateway.feeds import Feeds
from ccx_gateway.output_window import Gap, Slice
from ccx_gateway.pod_log import MAX_HELD, PIECE, TAIL, LogLink, PodLog, Proof
from ccx_gateway.upstream import last_snapshot
from ccx_kube.errors import LinkLost
from ccx_kube.pods import Pods
from ccx_kube.session import KubeSession
from devcluster.server import running_devcluster
from support.agent_pod import NAMESPACE, an_agent_pod, python, reaches
from support.output_source import Reader, a_reader

FEW, MANY = 50, 4000
LEFT_OUT = 120_000
"""Lines: more than a mirror takes at once."""


class Node:
    """Its files, with which anything may have happened since the pod's end."""

    def __init__(self, session: KubeSession, directory: Path) -> None:
        self.session, self._directory = session, directory
        self.tails: list[bytes] = []

    async def ran(self, lines: int) -> bytes:
        """What a pod has printed that has ended, and the runner in it."""
        program = f"for i in range({lines}): print(f'{{i:08d}}', 'x' * 90)"
        await Pods(self.session).create(NAMESPACE, an_agent_pod(*python(program)))
        await reaches(self.session, "p", "Succeeded")
        return b"".join(b"%08d %s\n" % (n, b"x" * 90) for n in range(lines))

    @property
    def log(self) -> Path:
        found = [p for p in self._directory.rglob("0.log") if b"xxx" in p.read_bytes()]
        (path,) = found
        return path

    async def read(self, offset: int = 0) -> Reader:
        """As a client that comes when all is over."""
        reader = a_reader()

        async def tail(data: bytes) -> None:
            self.tails.append(data)

        async with Feeds(self.session) as feeds:
            attachment = feeds.attach(
                *(NAMESPACE, "x", "p"), offset=offset, send=reader.send, send_tail=tail
            )
            await attachment.finished()
        return reader


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    path = [str(Path(sys.executable).parent)]
    async with (
        asyncio.timeout(180),
        running_devcluster(path=path, data_dir=tmp_path) as cluster,
        await KubeSession.from_environment(str(cluster.kubeconfig)) as session,
    ):
        yield Node(session, tmp_path)


@pytest.mark.parametrize("lines", [FEW, MANY])
async def test_a_log_that_is_the_whole_output_is_read_by_offset(node: Node, lines: int) -> None:
    assert FEW * 100 < MAX_HELD < MANY * 100
    printed = await node.ran(lines)
    whole, rest = await node.read(), await node.read(len(printed) - 1234)
    assert hashlib.sha256(whole.data).digest() == hashlib.sha256(printed).digest()
    assert rest.data == printed[-1234:]
    assert {item.stream for item in whole.got if isinstance(item, Slice)} == {"merged"}
    assert (whole.gaps, rest.gaps, node.tails) == ([], [], [])


def rotated(log: bytes) -> bytes:
    return log[log.index(b"\n", len(log) // 2) + 1 :]


def changed(log: bytes) -> bytes:
    return log.replace(b"00000007 x", b"00000007 y")


def shortened(log: bytes) -> bytes:
    return log[: log.rindex(b"\n", 0, -1) + 1]


def lengthened(log: bytes) -> bytes:
    return log + log[log.rindex(b"\n", 0, -1) + 1 :]


@pytest.mark.parametrize("happens", [rotated, changed, shortened, lengthened])
async def test_a_log_that_is_not_the_output_any_more_is_a_gap_and_a_tail_without_offsets(
    node: Node, happens: Callable[[bytes], bytes]
) -> None:
    printed = await node.ran(FEW)
    node.log.write_bytes(happens(node.log.read_bytes()))
    reader = await node.read(100)
    assert reader.got == [Gap(100, len(printed))]
    (tail,) = node.tails
    assert 0 < len(tail) <= TAIL
    assert set(tail.splitlines()) <= {*printed.splitlines(), b"00000007 y" + b"x" * 89}


async def test_an_emptied_log_is_a_gap_and_nothing_else(node: Node) -> None:
    printed = await node.ran(FEW)
    node.log.write_bytes(b"")
    assert (await node.read()).got == [Gap(0, len(printed))]
    assert node.tails == []


async def test_a_log_from_which_the_mirror_has_left_something_out_is_a_tail(node: Node) -> None:
    printed = await node.ran(LEFT_OUT)
    assert (await node.read()).got == [Gap(0, len(printed))]
    (tail,) = node.tails
    log = node.log.read_bytes()
    assert b"bytes left out of this log" in log
    assert log.endswith(tail.splitlines(keepends=True)[-1])


async def test_a_client_that_lacks_nothing_is_sent_no_tail(node: Node) -> None:
    printed = await node.ran(FEW)
    node.log.write_bytes(b"")
    assert (await node.read(len(printed))).got == []
    assert node.tails == []


@pytest.mark.parametrize("happens", [rotated, changed, shortened, lengthened])
async def test_what_changes_after_the_proof_is_not_taken_for_the_output(
    node: Node, happens: Callable[[bytes], bytes]
) -> None:
    printed = await node.ran(MANY)
    last = last_snapshot(await reaches(node.session, "p", "Succeeded"))
    assert last is not None
    log = PodLog(node.session, NAMESPACE, "p")
    proof = await log.look(last)
    assert isinstance(proof, Proof)
    node.log.write_bytes(happens(node.log.read_bytes()))
    got = b""

    async def follow() -> None:
        nonlocal got
        async for item in LogLink(log, proof).follow():
            got += getattr(item, "data", b"")

    with pytest.raises(LinkLost, match="log"):
        await follow()
    assert got == printed[: len(got) // PIECE * PIECE]
