"""Pods that read archives: made for who wishes, once, and gone after their end."""

import asyncio
from typing import Any

import pytest

from ccx_api.names import LABEL_EXECUTION_UID, LABEL_READER, LINK_ARGV, reader_of
from ccx_kube.errors import ApiError
from support.archive_readers import POD, READER, UID, Body, Server, an_archived, some_readers
from support.links import until


async def wished(server: Server) -> bool:
    readers = some_readers(server)
    assert server.execution is not None
    readers.look(server.execution)
    assert len(readers) == 1
    return await readers.fulfil("ns", "e1", UID)


def a_pod(phase: str, *, owner: str = UID, reads: str = UID) -> Body:
    owners = [{"uid": owner, "controller": True}]
    labels = {LABEL_READER: reads}
    metadata = {"namespace": "ns", "uid": "old", "ownerReferences": owners, "labels": labels}
    return {"metadata": {**metadata, "name": READER}, "status": {"phase": phase}}


async def test_a_wish_makes_a_reader_and_goes() -> None:
    server = Server(an_archived())
    assert await wished(server)
    assert server.asked == ["create", "unwish"]
    pod = server.pods[READER]
    (agent,) = pod["spec"]["containers"]
    assert agent["command"][5:] == [
        *("/run/ccx/archive", "--bytes", "7", "--sha256", "ab" * 32, "--idle", "60")
    ]
    mounts = {mount["mountPath"]: mount for mount in agent["volumeMounts"]}
    assert mounts["/run/ccx/archive"]["subPath"] == f"archive/{POD}"
    assert mounts["/run/ccx/archive"]["readOnly"] is True
    assert mounts["/ccx"]["readOnly"] is True
    assert pod["metadata"]["ownerReferences"][0]["uid"] == UID


async def test_a_reader_is_no_pod_of_an_attempt_and_can_be_entered_by_the_link() -> None:
    server = Server(an_archived())
    await wished(server)
    pod = server.pods[READER]
    assert reader_of(POD) == READER
    assert LABEL_EXECUTION_UID not in pod["metadata"]["labels"]
    assert pod["metadata"]["labels"][LABEL_READER] == UID
    assert pod["spec"]["containers"][0]["name"] == "agent"
    assert LINK_ARGV[-1].startswith(pod["spec"]["initContainers"][0]["command"][-1])


async def test_a_reader_that_runs_already_is_enough() -> None:
    server = Server(an_archived())
    server.pods[READER] = a_pod("Running")
    assert await wished(server)
    assert server.asked == ["unwish"]


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
async def test_a_reader_that_has_ended_makes_room_for_the_next(phase: str) -> None:
    server = Server(an_archived())
    server.pods[READER] = a_pod(phase)
    assert not await wished(server)
    assert server.asked == ["delete"]
    assert await wished(server)
    assert server.asked == ["delete", "create", "unwish"]


async def test_a_pod_of_somebody_else_is_left_alone() -> None:
    server = Server(an_archived())
    server.pods[READER] = a_pod("Succeeded", owner="another")
    assert await wished(server)
    assert server.asked == ["unwish"]


@pytest.mark.parametrize(
    "changes",
    [
        {"spec": {"command": ["true"]}},
        {"status": {"phase": "Succeeded", "podName": POD, "output": {"bytes": 7}}},
        {"status": {"phase": "Failed"}},
    ],
)
async def test_where_there_is_no_archive_the_wish_goes_unfulfilled(
    changes: dict[str, Any],
) -> None:
    server = Server(an_archived(**changes))
    assert await wished(server)
    assert server.asked == ["unwish"]


async def test_a_reader_that_is_refused_is_not_tried_for_ever() -> None:
    server = Server(an_archived())
    server.refusal = ApiError(403, "Forbidden", "exceeded quota: q")
    assert await wished(server)
    assert server.asked == ["create", "unwish"]


async def test_an_execution_that_has_gone_needs_no_reader() -> None:
    server = Server(an_archived())
    server.execution = None
    assert await some_readers(server).fulfil("ns", "e1", UID)
    assert server.asked == []


async def test_what_still_runs_or_goes_gets_none() -> None:
    running, going = an_archived(status={"phase": "Running"}), an_archived()
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    readers = some_readers()
    for body in (running, going):
        readers.look(body)
    assert len(readers) == 0


async def test_each_wish_is_fulfilled_by_itself() -> None:
    server = Server(an_archived())
    server.pods[READER] = a_pod("Succeeded")
    readers = some_readers(server)
    assert server.execution is not None
    readers.look(server.execution)
    running = asyncio.create_task(readers.run())
    async with asyncio.timeout(60):
        await until(lambda: "unwish" in server.asked)
        await until(lambda: len(readers) == 0)
    running.cancel()
    assert server.asked == ["delete", "create", "unwish"]


async def test_readers_that_have_ended_are_swept_away_and_no_others() -> None:
    server = Server()
    server.pods = {
        "ended": a_pod("Succeeded"),
        "runs": a_pod("Running"),
        "is not ours": a_pod("Failed", owner="another"),
    }
    for name, pod in server.pods.items():
        pod["metadata"]["name"] = name
    await some_readers(server).sweep()
    assert list(server.pods) == ["runs", "is not ours"]
