"""Runners and clients of the release before, as they were built then: support/old."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ccx_kube.errors import VersionsDiffer
from ccx_kube.session import KubeSession
from ccx_runner.frames import Lease, Reply, Request, SnapshotFrame, Verb, encode
from ccx_runner.greeting import VERSIONS
from support.api_server import ApiServer, ExecEnd
from support.outside import below, running
from support.played_runner import a_snapshot, open_link
from support.runner_process import RunnerProcess, a_runner

OLD = Path(__file__).parents[1] / "support/old/ccx-runner-link-1.pyz"
OLD_RUNNER = [sys.executable, "-I", "-S", str(OLD)]
LOOP = ["sh", "-c", "echo started; while :; do sleep 0.02; done"]


def old_client(runner: RunnerProcess, action: str) -> "subprocess.CompletedProcess[str]":
    environment = {"CCX_RUN_DIR": str(runner.run_dir), "CCX_RUNNER_PID": str(runner.pid)}
    return subprocess.run(
        [*OLD_RUNNER, action],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_client_of_version_1_controls_a_runner_of_today(tmp_path: Path) -> None:
    with a_runner(tmp_path, LOOP) as runner:
        for action, state in (("pause", "Paused"), ("resume", "Running"), ("status", "Running")):
            done = old_client(runner, action)
            assert (done.returncode, done.stderr) == (0, "")
            told = json.loads(done.stdout)
            assert (told["v"], told["state"]) == (1, state)
        old_client(runner, "cancel")
        assert runner.ended()["endedBy"] == "Cancel"


def test_a_runner_of_version_1_is_controlled_by_the_frames_of_today(tmp_path: Path) -> None:
    with a_runner(tmp_path, LOOP, runner=OLD_RUNNER) as runner:
        runner.wait_for_output("started")
        link = runner.link()
        told = link.snapshot()
        assert (told["v"], told["state"], "link" in told) == (1, "Running", False)
        link.send_raw(encode(Lease(version=2)))  # it does not know what that is
        told = link.ask(Verb.PAUSE, {"generation": 2, "desiredState": "Paused"})
        assert (told["v"], told["state"], told["generation"]) == (1, "Paused", 2)
        assert running(below(runner.pid)) == []
        link.ask(Verb.CANCEL)
        link.close()
        assert runner.ended()["endedBy"] == "Cancel"


def test_a_link_speaks_version_1_until_it_is_told_otherwise(tmp_path: Path) -> None:
    with a_runner(tmp_path, LOOP) as runner:
        link = runner.link()
        told = link.snapshot()
        assert (told["v"], told["link"]["versions"]) == (1, list(VERSIONS))
        assert link.ask(Verb.STATUS)["v"] == 1
        link.send_raw(encode(Lease(version=2)))
        assert link.ask(Verb.STATUS)["v"] == 2
        other = runner.link()
        other.send_raw(encode(Lease(version=3)))
        assert other.reply().error == "link version 3 is none of this runner's, 1-2"
        assert link.ask(Verb.STATUS)["state"] == "Running"


def greets(*versions: int) -> SnapshotFrame:
    return a_snapshot(link={"versions": list(versions), "program": "0.7"})


@pytest.mark.parametrize(("versions", "said"), [((1, 2), 2), ((2, 3), 2)])
async def test_a_client_says_which_version_it_speaks_as_soon_as_it_is_greeted(
    server: ApiServer, session: KubeSession, versions: tuple[int, ...], said: int
) -> None:
    heard = asyncio.get_running_loop().create_future()

    async def run(end: ExecEnd) -> None:
        await end.send(greets(*versions))
        heard.set_result(await end.frame())
        await end.send(a_snapshot("Paused", v=said))
        await end.frame()

    server.run = run
    paused = asyncio.Event()
    link = await open_link(
        session, on_snapshot=lambda told: paused.set() if told.state == "Paused" else None
    )
    async with link:
        assert await heard == Lease(version=said)
        await paused.wait()
        assert link.version == said


async def test_a_runner_that_does_not_greet_is_told_nothing(
    server: ApiServer, session: KubeSession
) -> None:
    first = asyncio.get_running_loop().create_future()

    async def run(end: ExecEnd) -> None:
        await end.send(a_snapshot())
        first.set_result(await end.frame())
        await end.send(Reply(first.result().id, snapshot=a_snapshot().snapshot))
        await end.frame()

    server.run = run
    async with await open_link(session) as link:
        await link.status()
        assert isinstance(await first, Request)
        assert link.version == 1


async def test_without_a_version_in_common_both_are_named(
    server: ApiServer, session: KubeSession
) -> None:
    async def run(end: ExecEnd) -> None:
        await end.send(greets(3, 4))
        await end.frame()

    server.run = run
    with pytest.raises(VersionsDiffer, match=r"runner 0\.7 speaks link 3-4, this program 1-2"):
        await open_link(session)


async def test_a_snapshot_of_another_version_ends_the_link_with_both_named(
    server: ApiServer, session: KubeSession
) -> None:
    async def run(end: ExecEnd) -> None:
        await end.send(a_snapshot(v=7))
        await end.frame()

    server.run = run
    with pytest.raises(VersionsDiffer, match="in version 7, this program reads 1-2"):
        await open_link(session)
