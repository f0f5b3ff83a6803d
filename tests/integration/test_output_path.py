"""Output from a real runner in a pod, over pod exec, to viewers of one feed."""

import asyncio
import hashlib
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ccx_api.wish import Wish
from ccx_gateway.feeds import Feeds
from ccx_gateway.output_window import CAPACITY, Gap, Slice
from ccx_gateway.stream_metrics import StreamMetrics
from ccx_gateway.upstream import OutputLost, last_snapshot
from ccx_kube.link import RunnerLink
from ccx_kube.pods import Pods
from ccx_kube.session import KubeSession
from devcluster.server import Devcluster, running_devcluster
from support.agent_pod import NAMESPACE, an_agent_pod, python, reaches
from support.links import until
from support.operated import Gate
from support.output_source import Reader, a_reader

MIB = 1024 * 1024
LINES = 100_000
WRITE = python(f"for i in range({LINES}): print(f'{{i:08d}}', 'x' * 90)")
WRITE_AND_STAY = python(f"{WRITE[-1]}\nimport time; print(flush=True, end=''); time.sleep(600)")
WRITTEN = LINES * 100


@pytest.fixture
async def cluster() -> AsyncIterator[Devcluster]:
    path = [str(Path(sys.executable).parent)]
    async with asyncio.timeout(180), running_devcluster(path=path) as cluster:
        yield cluster


@pytest.fixture
async def session(cluster: Devcluster) -> AsyncIterator[KubeSession]:
    async with await KubeSession.from_environment(str(cluster.kubeconfig)) as session:
        yield session


async def a_pod(
    session: KubeSession,
    *command: str,
    desired: str = "Running",
    drain: float = 60,
    options: tuple[str, ...] = (),
) -> None:
    pod = an_agent_pod(*command, desired=desired, drain=drain, options=options)
    await Pods(session).create(NAMESPACE, pod)


class Links:
    """The links that a feed has opened. The process waits, paused, for the first one."""

    def __init__(self, session: KubeSession) -> None:
        self._session = session
        self.opened: list[RunnerLink] = []

    async def open(self, namespace: str, pod: str) -> RunnerLink:
        self.opened.append(await RunnerLink.open(self._session, namespace, pod))
        return self.opened[-1]

    async def let_go(self) -> None:
        await until(lambda: bool(self.opened))
        await self.opened[0].resume(Wish(generation=2))

    async def process_ends(self) -> None:
        """Its pod may go on."""
        await until(lambda: self.opened[-1].snapshot.state == "Ended")


async def printed(session: KubeSession) -> str:
    """What the runner says that its process has printed."""
    last = last_snapshot(await reaches(session, "p", "Succeeded"))
    assert last is not None
    return last.output.sha256


def digest(reader: Reader) -> str:
    return hashlib.sha256(reader.data).hexdigest()


async def test_who_is_attached_before_the_pod_runs_gets_all_and_the_others_from_their_offset(
    session: KubeSession,
) -> None:
    all_of_it, the_end, links = a_reader(), a_reader(), Links(session)
    await a_pod(session, *WRITE, desired="Paused")
    async with Feeds(session, links.open) as feeds:
        first = feeds.attach(NAMESPACE, "x", "p", send=all_of_it.send)
        await links.let_go()
        await until(lambda: first.cursor > 0)
        second = feeds.attach(NAMESPACE, "x", "p", offset=500, send=the_end.send)
        assert len(feeds) == 1
        await first.finished()
        await second.finished()
        await until(lambda: len(feeds) == 0)
    assert digest(all_of_it) == await printed(session)
    assert the_end.data == all_of_it.data[500:]
    assert all(item.data.endswith(b"\n") for item in all_of_it.got if isinstance(item, Slice))


async def test_a_command_that_ends_at_once_loses_nothing(session: KubeSession) -> None:
    early, late = a_reader(), a_reader()
    async with Feeds(session) as feeds:
        await a_pod(session, "sh", "-c", "echo out; echo err >&2; printf 'no newline'")
        await feeds.attach(NAMESPACE, "x", "p", send=early.send).finished()
        await reaches(session, "p", "Succeeded")
        await feeds.attach(NAMESPACE, "x", "p", offset=4, send=late.send).finished()
    assert sorted(early.data.split(b"\n")) == [b"err", b"no newline", b"out"]
    assert late.data == early.data[4:]


async def test_a_viewer_that_stalls_reads_the_rest_from_the_spool_when_it_reads_again(
    session: KubeSession,
) -> None:
    fast, stalled, links = a_reader(), a_reader(stalled=True), Links(session)
    await a_pod(session, *WRITE, desired="Paused")
    async with Feeds(session, links.open) as feeds:
        slow = feeds.attach(NAMESPACE, "x", "p", send=stalled.send)
        reading = feeds.attach(NAMESPACE, "x", "p", send=fast.send)
        await links.let_go()
        await reading.finished()
        assert (len(fast.data), stalled.data) == (WRITTEN, b"")
        stalled.reads.set()
        await slow.finished()
    assert digest(stalled) == digest(fast) == await printed(session)


async def test_a_link_that_breaks_in_mid_stream_costs_no_byte(session: KubeSession) -> None:
    reader, links, breaks = a_reader(), Links(session), [1_000_000, 4_000_000, 7_000_000]

    async def send(item: Slice | Gap) -> None:
        await reader.send(item)
        if breaks and item.end > breaks[0]:
            del breaks[0]
            await links.opened[-1].close()

    await a_pod(session, *WRITE_AND_STAY)
    async with Feeds(session, links.open) as feeds:
        attachment = feeds.attach(NAMESPACE, "x", "p", send=send)
        await until(lambda: attachment.cursor == WRITTEN)
        assert len(links.opened) == 4
    assert reader.data == b"".join(b"%08d %s\n" % (n, b"x" * 90) for n in range(LINES))


@pytest.mark.parametrize("fault", ["reset-exec", "close-exec"])
async def test_an_api_server_that_cuts_the_exec_at_any_byte_costs_none_and_is_counted(
    cluster: Devcluster, session: KubeSession, fault: str
) -> None:
    """Before the first frame, in its header, and then anywhere."""
    reader, links, metrics = a_reader(), Links(session), StreamMetrics()
    cuts = [0, 1, *random.Random(6).sample(range(10_000, 900_000), 8)]
    await a_pod(session, *WRITE, desired="Paused")
    await reaches(session, "p", "Running")
    for most in cuts:
        cluster.faults.add({"fault": fault, "bytes": most})
    async with Feeds(session, links.open, metrics=metrics) as feeds:
        attachment = feeds.attach(NAMESPACE, "x", "p", send=reader.send)
        await links.let_go()
        await attachment.finished()
    assert cluster.faults.faults()["injected"] == {fault: len(cuts)}
    assert metrics.resumes["link"] == len(links.opened) - 1 >= len(cuts) // 2
    assert reader.gaps == []
    assert digest(reader) == await printed(session)


async def test_a_link_that_breaks_after_the_end_and_before_all_was_read_costs_no_byte(
    session: KubeSession,
) -> None:
    reader, links = a_reader(stalled=True), Links(session)
    await a_pod(session, *WRITE, desired="Paused")
    async with Feeds(session, links.open) as feeds:
        attachment = feeds.attach(NAMESPACE, "x", "p", send=reader.send)
        await links.let_go()
        await links.process_ends()
        await links.opened[0].close()
        await until(lambda: len(links.opened) == 2)  # at once: the runner does not stay for long
        reader.reads.set()
        await until(lambda: attachment.cursor > WRITTEN // 2)
        await links.opened[1].close()
        await attachment.finished()
    assert digest(reader) == await printed(session)


async def test_with_block_a_viewer_that_stalls_beside_a_fast_one_loses_nothing_of_a_small_spool(
    session: KubeSession,
) -> None:
    """The process prints twice what the spool holds, and waits for the slower one."""
    spool, fast, stalled, links = 16 * MIB, a_reader(), a_reader(stalled=True), Links(session)
    write = python(f"import os\nfor _ in range({2 * spool // 4096}): os.write(1, b'%4095d\\n' % _)")
    block = ("--overflow", "Block", "--spool-bytes", str(spool))
    await a_pod(session, *write, desired="Paused", options=block)
    async with Feeds(session, links.open) as feeds:
        slow = feeds.attach(NAMESPACE, "x", "p", send=stalled.send)
        reading = feeds.attach(NAMESPACE, "x", "p", send=fast.send)
        await links.let_go()
        await until(lambda: reading.cursor > 2 * CAPACITY)
        stalled.reads.set()
        await slow.finished()
        await reading.finished()
    assert digest(stalled) == digest(fast) == await printed(session)
    assert not stalled.gaps


async def test_what_a_viewer_has_not_read_when_the_drain_is_over_is_a_gap_of_its_size(
    session: KubeSession, tmp_path: Path
) -> None:
    fast, stalled, links = a_reader(), a_reader(stalled=True), Links(session)
    gate = Gate(tmp_path, "read")
    waits = f"import subprocess; subprocess.run({gate.script('true')})"
    argv = python(f"{WRITE[-1]}\nprint(flush=True, end=''); {waits}")
    await a_pod(session, *argv, desired="Paused", drain=0.5)
    async with Feeds(session, links.open) as feeds:
        slow = feeds.attach(NAMESPACE, "x", "p", send=stalled.send)
        reading = feeds.attach(NAMESPACE, "x", "p", send=fast.send)
        await links.let_go()
        await until(lambda: reading.cursor == WRITTEN)
        await gate.open()
        await reading.finished()
        await reaches(session, "p", "Succeeded")
        stalled.reads.set()
        await slow.finished()
    stalled.assert_in_order(0, WRITTEN)
    (gap,) = stalled.gaps
    assert 0 < gap.end - gap.offset < WRITTEN - CAPACITY
    assert stalled.data == fast.data[: gap.offset] + fast.data[gap.end :]


async def test_of_a_pod_that_has_ended_unread_output_is_a_gap_of_its_size(
    session: KubeSession,
) -> None:
    reader = a_reader()
    await a_pod(session, *WRITE)
    await reaches(session, "p", "Succeeded")
    async with Feeds(session) as feeds:
        await feeds.attach(NAMESPACE, "x", "p", offset=CAPACITY, send=reader.send).finished()
    assert reader.got == [Gap(CAPACITY, WRITTEN)]


async def test_of_an_execution_that_is_gone_nobody_knows_the_output(session: KubeSession) -> None:
    async with Feeds(session) as feeds:
        with pytest.raises(OutputLost, match="execution and pod are gone"):
            await feeds.attach(NAMESPACE, "x", "none", send=a_reader().send).finished()
        await until(lambda: len(feeds) == 0)


async def test_at_the_end_of_the_replica_nothing_is_left_open(session: KubeSession) -> None:
    await a_pod(session, *python("import time\nwhile True: print('tick', flush=True)"))
    before = len(asyncio.all_tasks())
    async with Feeds(session) as feeds:
        readers = [a_reader(), a_reader(stalled=True)]
        attached = [feeds.attach(NAMESPACE, "x", "p", send=reader.send) for reader in readers]
        await until(lambda: attached[0].cursor > 2 * CAPACITY)
    pod = await Pods(session).get(NAMESPACE, "p")
    assert pod is not None
    await until(lambda: len(asyncio.all_tasks()) <= before + 8)
    await Pods(session).delete(NAMESPACE, "p", pod["metadata"]["uid"])
