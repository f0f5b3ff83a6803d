"""What is known of the output of a pod that has gone, by the status of its execution."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ccx_api.names import ANNOTATION_READ
from ccx_gateway.archive_source import ArchiveSource
from ccx_gateway.upstream import Ended, OutputLost, PodUpstream
from ccx_kube.errors import LinkLost
from ccx_kube.link import RunnerLink
from ccx_kube.session import KubeSession
from support.api_server import ApiServer, a_kubeconfig

FIRST, SECOND = "cx-e-00000000-1", "cx-e-00000000-2"


@pytest.fixture
async def upstream(server: ApiServer, tmp_path: Path) -> AsyncIterator[PodUpstream]:
    async with await KubeSession.from_environment(a_kubeconfig(tmp_path, server.url)) as session:

        async def open_link(namespace: str, pod: str) -> RunnerLink:
            return await RunnerLink.open(session, namespace, pod)

        yield PodUpstream(session, "ns", "e", FIRST, open_link)


def answer(server: ApiServer, **status: Any) -> None:
    """No pod, and then the execution."""
    server.answer(404, {"kind": "Status", "code": 404, "reason": "NotFound"})
    metadata = {"name": "e", "namespace": "ns", "uid": "u", "resourceVersion": "7"}
    server.answer(200, {"metadata": metadata, "spec": {"command": ["true"]}, "status": status})


ENDED, RUNNING = {"state": "Ended", "exitCode": 1}, {"state": "Running"}


async def test_its_size_is_known_where_the_status_speaks_of_that_pods_end(
    server: ApiServer, upstream: PodUpstream
) -> None:
    answer(server, phase="Starting", attempts=1, podName=FIRST, process=ENDED, output={"bytes": 7})
    assert await upstream.final() == Ended(7)


async def test_its_size_is_known_where_the_next_attempt_remembers_it(
    server: ApiServer, upstream: PodUpstream
) -> None:
    answer(server, phase="Starting", attempts=2, endedAttempts={"outputBytes": 7})
    assert await upstream.final() == Ended(7)


@pytest.mark.parametrize("process", [None, RUNNING])
async def test_while_the_operator_has_said_nothing_of_its_end_it_is_not_known(
    server: ApiServer, upstream: PodUpstream, process: object
) -> None:
    told = {"process": process, "output": {"bytes": 7}}
    answer(server, phase="Running", attempts=1, podName=FIRST, **told)
    assert await upstream.final() is None


@pytest.mark.parametrize(
    "status",
    [
        {"phase": "Starting", "attempts": 2},
        {"phase": "Running", "attempts": 2, "podName": SECOND, "output": {"bytes": 7}},
        {"phase": "Running", "attempts": 3, "endedAttempts": {"outputBytes": 7}},
        {"phase": "Failed", "podName": FIRST, "process": RUNNING, "output": {"bytes": 7}},
    ],
)
async def test_that_more_may_have_been_printed_is_said_where_the_runner_did_not(
    server: ApiServer, upstream: PodUpstream, status: dict[str, Any]
) -> None:
    answer(server, **status)
    with pytest.raises(OutputLost, match="without a last word of its runner"):
        await upstream.final()


OUTPUT = {"bytes": 7, "sha256": "ab" * 32}


async def test_where_there_is_an_archive_it_is_tried_before_anything_is_called_lost(
    server: ApiServer, upstream: PodUpstream
) -> None:
    told = {"attempts": 1, "podName": FIRST, "process": ENDED}
    told |= {"output": OUTPUT | {"archived": 7}}
    answer(server, phase="Succeeded", **told)
    assert await upstream.final() is None
    server.answer(403, {"kind": "Status", "code": 403, "reason": "Forbidden", "message": "no"})
    with pytest.raises(LinkLost, match="the archive cannot be read: 403 Forbidden: no"):
        await upstream.open()
    answer(server, phase="Succeeded", **told)
    assert await upstream.final() == Ended(7)


@pytest.mark.parametrize("archived", [None, 0])
async def test_an_archive_with_nothing_in_it_is_not_tried(
    server: ApiServer, upstream: PodUpstream, archived: int | None
) -> None:
    told = {"process": ENDED, "output": OUTPUT | {"archived": archived}}
    answer(server, phase="Succeeded", attempts=1, podName=FIRST, **told)
    assert await upstream.final() == Ended(7)


async def test_that_no_reader_comes_says_nothing_of_the_archive(
    server: ApiServer, session: KubeSession
) -> None:
    answer(server, phase="Succeeded", attempts=1, podName=FIRST, output=OUTPUT | {"archived": 7})
    server.answer(200, server_execution())
    for _ in range(20):
        server.answer(404, {"kind": "Status", "code": 404, "reason": "NotFound"})
    source = ArchiveSource(session, "ns", "e", FIRST, start_seconds=2)
    with pytest.raises(LinkLost, match=r"no pod could read it within 2 s"):
        await source.open()
    assert source.has_failed
    assert source.passing != ""
    (patch,) = [r for r in server.seen if r.method == "PATCH"]
    assert patch.body["metadata"]["annotations"] == {ANNOTATION_READ: "wanted"}


def server_execution() -> dict[str, Any]:
    metadata = {"name": "e", "namespace": "ns", "uid": "u", "resourceVersion": "8"}
    return {"metadata": metadata, "spec": {"command": ["true"]}}
