"""The link's client through a real HTTP server's exec, against a runner that the test plays."""

import asyncio
from contextlib import suppress

import pytest

from ccx_api.names import LINK_ARGV
from ccx_api.snapshot import Snapshot
from ccx_api.v1alpha1 import DesiredState
from ccx_api.wish import Wish
from ccx_kube.errors import LinkLost, LinkRefused
from ccx_kube.link import LinkTimes
from ccx_kube.session import KubeSession
from ccx_runner.frames import (
    Lease,
    Reply,
    Request,
    RunnerFrame,
    Verb,
)
from support.api_server import ApiServer, ExecEnd
from support.links import until
from support.played_runner import a_snapshot, idle, open_link, plays


async def test_it_opens_with_the_first_snapshot_by_one_constant_exec(
    server: ApiServer, session: KubeSession
) -> None:
    server.run = idle
    async with await open_link(session) as link:
        assert link.snapshot.state == "Running"
        assert link.is_open
    (seen,) = server.seen
    assert seen.path == "/api/v1/namespaces/ns/pods/p/exec"
    assert [value for name, value in seen.params if name == "command"] == list(LINK_ARGV)
    assert ("container", "agent") in seen.params
    assert {name for name, value in seen.params if value == "true"} == {"stdin", "stdout", "stderr"}


class TestOpening:
    async def test_a_runner_that_says_nothing_is_lost_in_bounded_time(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        async def run(end: ExecEnd) -> None:
            await end.frame()

        server.run, before = run, asyncio.all_tasks()
        with pytest.raises(LinkLost, match=r"no snapshot within 0\.1 s"):
            await open_link(session, times=LinkTimes(open=0.1))
        await until(lambda: asyncio.all_tasks() == before)

    async def test_a_runner_that_refuses_the_link_says_why(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        async def run(end: ExecEnd) -> None:
            await end.send(Reply(None, error="16 links are open: close one first"))

        server.run, closed = run, list[str]()
        with pytest.raises(LinkRefused, match="16 links are open"):
            await open_link(session, on_closed=closed.append)
        assert closed == []

    async def test_a_link_program_that_fails_is_quoted(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        async def run(end: ExecEnd) -> None:
            await end.exit(1, stderr="ccx link: no runner at /run/ccx\n")

        server.run = run
        with pytest.raises(LinkLost, match="exited with 1: ccx link: no runner at /run/ccx"):
            await open_link(session)

    async def test_a_pod_that_is_not_there_is_told_in_the_servers_words(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        server.answer(404, {"reason": "NotFound", "message": 'pods "p" not found'})
        with pytest.raises(LinkLost, match='pods "p" not found'):
            await open_link(session)

    async def test_a_server_that_speaks_neither_version_is_told(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        server.protocols, server.run = (), idle
        with pytest.raises(LinkLost, match=r"v5\.channel\.k8s\.io"):
            await open_link(session)

    async def test_version_4_will_do(self, server: ApiServer, session: KubeSession) -> None:
        server.protocols, server.run = ("v4.channel.k8s.io",), idle
        async with await open_link(session) as link:
            assert link.is_open

    async def test_giving_up_leaves_nothing_behind(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        opened = asyncio.Event()

        async def run(end: ExecEnd) -> None:
            opened.set()
            await end.frame()

        server.run, before = run, asyncio.all_tasks()
        opening = asyncio.create_task(open_link(session))
        await opened.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await until(lambda: asyncio.all_tasks() == before)


class TestControl:
    async def test_a_wish_goes_out_whole_and_its_proof_comes_back(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        wish = Wish(generation=3, desired_state=DesiredState.PAUSED, active_deadline_seconds=60)
        control = {"action": "pause", "processesStopped": 12, "at": 1.0, "proven": True}
        asked: list[Request] = []

        def answer(request: Request) -> tuple[RunnerFrame, ...]:
            asked.append(request)
            paused = a_snapshot("Paused", generation=3, control=control).snapshot
            return (Reply(request.id, snapshot=paused),)

        server.run = plays(answer)
        async with await open_link(session) as link:
            snapshot = await link.pause(wish)
        assert snapshot.control is not None
        assert (snapshot.state, snapshot.control.processes_stopped) == ("Paused", 12)
        expected = {"generation": 3, "desiredState": "Paused", "activeDeadlineSeconds": 60}
        expected |= {"stallTimeoutSeconds": 300, "onStall": "Report"}
        assert [(r.verb, r.wish) for r in asked] == [(Verb.PAUSE, expected)]

    @pytest.mark.parametrize("verb", list(Verb))
    async def test_each_verb_is_its_own_frame(
        self, server: ApiServer, session: KubeSession, verb: Verb
    ) -> None:
        asked: list[Request] = []

        def answer(request: Request) -> tuple[RunnerFrame, ...]:
            asked.append(request)
            return (Reply(request.id),)

        server.run = plays(answer)
        async with await open_link(session) as link:
            await getattr(link, verb.name.lower())()
        assert [(r.verb, r.wish) for r in asked] == [(verb, None)]

    async def test_a_refusal_is_in_the_runners_words_and_the_link_goes_on(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        server.run = plays(
            lambda r: (Reply(r.id, error="stale generation"),), lambda r: (Reply(r.id),)
        )
        async with await open_link(session) as link:
            with pytest.raises(LinkRefused, match="stale generation"):
                await link.resume(Wish(generation=1))
            await link.status()

    async def test_two_requests_at_once_are_answered_by_id(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        async def run(end: ExecEnd) -> None:
            await end.send(a_snapshot())
            first, second = await end.request(), await end.request()
            await end.send(Reply(second.id), Reply(first.id, error=f"not {first.verb.name}"))
            await end.frame()

        server.run = run
        async with await open_link(session) as link:
            pausing = asyncio.create_task(link.pause())
            await asyncio.sleep(0)  # it asks first
            await link.status()
            with pytest.raises(LinkRefused, match="not PAUSE"):
                await pausing

    async def test_no_answer_is_a_loss_in_bounded_time_and_a_late_one_harms_nobody(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        async def run(end: ExecEnd) -> None:
            await end.send(a_snapshot())
            late = await end.request()
            again = await end.request()
            await end.send(Reply(late.id), Reply(again.id))
            await end.frame()

        server.run = run
        async with await open_link(session, times=LinkTimes(answer=0.2)) as link:
            with pytest.raises(LinkLost, match=r"no answer to CANCEL within 0\.2 s"):
                await link.cancel()
            await link.status()

    async def test_a_link_lost_in_the_middle_of_a_request_is_told_at_once(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        async def run(end: ExecEnd) -> None:
            await end.send(a_snapshot())
            await end.request()
            end.drop()

        server.run, closed = run, list[str]()
        async with await open_link(session, on_closed=closed.append) as link:
            with pytest.raises(LinkLost, match="the connection ended"):
                await link.pause()
            assert not link.is_open
            with pytest.raises(LinkLost, match="the connection ended"):
                await link.status()
        assert len(closed) == 1

    async def test_a_runner_that_ends_says_so(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        async def run(end: ExecEnd) -> None:
            await end.send(a_snapshot())
            await end.request()
            await end.exit(0)

        server.run = run
        async with await open_link(session) as link:
            with pytest.raises(LinkLost, match="the command exited with 0"):
                await link.status()


class TestSnapshots:
    async def test_each_is_pushed_as_it_comes_and_the_newest_is_kept(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        async def run(end: ExecEnd) -> None:
            await end.send(a_snapshot(), a_snapshot("Paused"))
            await end.send(a_snapshot("Ended", exitCode=0))
            await end.frame()

        server.run, pushed = run, asyncio.Queue[Snapshot]()
        async with await open_link(session, on_snapshot=pushed.put_nowait) as link:
            states = [(await pushed.get()).state for _ in range(3)]
            assert states == ["Running", "Paused", "Ended"]
            assert link.snapshot.exit_code == 0

    async def test_one_that_is_not_understood_ends_the_link_and_is_not_quoted(
        self, server: ApiServer, session: KubeSession
    ) -> None:
        async def run(end: ExecEnd) -> None:
            await end.send(a_snapshot(), a_snapshot(pid="s3cr3t"))
            await end.frame()

        closed = asyncio.Queue[str]()
        server.run = run
        async with await open_link(session, on_closed=closed.put_nowait):
            assert await closed.get() == "snapshot of the runner: pid is not understood"

    async def test_a_callback_that_fails_ends_its_link_and_is_logged(
        self, server: ApiServer, session: KubeSession, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(_: Snapshot) -> None:
            raise LookupError

        server.run, closed = idle, asyncio.Queue[str]()
        async with await open_link(session, on_snapshot=fail, on_closed=closed.put_nowait):
            assert "LookupError" in await closed.get()
        assert "link to a runner failed" in caplog.text


async def test_a_heartbeat_says_that_the_client_is_there(
    server: ApiServer, session: KubeSession
) -> None:
    beats = asyncio.Queue[object]()

    async def run(end: ExecEnd) -> None:
        await end.send(a_snapshot())
        while True:
            beats.put_nowait(await end.frame())

    server.run = run
    async with await open_link(session, times=LinkTimes(lease=0.01)):
        assert [await beats.get() for _ in range(3)] == [Lease()] * 3


async def test_nothing_is_left_when_a_link_has_closed(
    server: ApiServer, session: KubeSession
) -> None:
    gone, closed = asyncio.Event(), list[str]()

    async def run(end: ExecEnd) -> None:
        with suppress(ConnectionError):
            await idle(end)
        gone.set()

    server.run, before = run, asyncio.all_tasks()
    link = await open_link(session, on_closed=closed.append)
    waiting = asyncio.create_task(link.status())
    following = asyncio.create_task(anext(link.follow()))
    await asyncio.sleep(0)
    await link.close()
    await link.close()
    for task in (waiting, following):
        with pytest.raises(LinkLost, match="closed by this side"):
            await task
    await gone.wait()
    assert closed == ["closed by this side"]
    assert not link.is_open
    await until(lambda: asyncio.all_tasks() == before)


async def test_sixty_links_live_beside_each_other(server: ApiServer, session: KubeSession) -> None:
    server.run = plays(lambda r: (Reply(r.id),))
    links = await asyncio.gather(*(open_link(session) for _ in range(60)))
    await asyncio.gather(*(link.status() for link in links))
    await asyncio.gather(*(link.close() for link in links))
