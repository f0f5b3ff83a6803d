"""What is known of the output of a pod that has gone, by the status of its execution."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ccx_gateway.upstream import Ended, OutputLost, PodUpstream
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


async def test_its_size_is_known_where_the_status_speaks_of_that_pod(
    server: ApiServer, upstream: PodUpstream
) -> None:
    answer(server, phase="Starting", attempts=1, podName=FIRST, output={"bytes": 7})
    assert await upstream.final() == Ended(7)


async def test_while_the_operator_has_said_nothing_of_its_end_it_is_not_known(
    server: ApiServer, upstream: PodUpstream
) -> None:
    answer(server, phase="Running", attempts=1, podName=FIRST)
    assert await upstream.final() is None


@pytest.mark.parametrize("pod", [None, SECOND])
async def test_who_followed_an_attempt_that_was_lost_is_told_that_another_follows(
    server: ApiServer, upstream: PodUpstream, pod: str | None
) -> None:
    answer(server, phase="Starting", attempts=2, podName=pod, output={"bytes": 7})
    with pytest.raises(OutputLost, match="attempt 2 follows it: attach again"):
        await upstream.final()
