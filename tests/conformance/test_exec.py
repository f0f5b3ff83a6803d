"""pods/exec below our session: the frames of the channel protocol, and how an exec ends."""

from typing import Any

import aiohttp

from ccx_kube.exec_channel import V4, V5
from conformance.case import case
from conformance.cluster import Cluster
from conformance.pods import a_container, a_pod, created, ended, running

HOLD = "exec sleep 600"


async def attempt(cluster: Cluster, *command: str, protocol: str = V5, container: str = "") -> Any:
    """How an exec over a WebSocket that comes to nothing comes to nothing."""
    try:
        async with cluster.exec("p", *command, protocol=protocol, container=container) as it:
            return ["upgraded", await it.status(), await it.end()]
    except aiohttp.WSServerHandshakeError as refused:
        return ["refused", refused.status]


async def plainly(cluster: Cluster, command: str) -> Any:
    """The same without an upgrade: what a client that cannot upgrade is told."""
    path = cluster.core("pods", "p", "exec")
    return (await cluster.ask("GET", path, command=command, stdout="true")).seen()


@case("exec.streams")
async def test_both_streams_and_a_good_end_arrive(cluster: Cluster) -> Any:
    await running(cluster, HOLD)
    seen: list[Any] = []
    for protocol in (V5, V4):
        async with cluster.exec(
            "p", "sh", "-c", "printf out; printf err >&2", protocol=protocol
        ) as it:
            first = await it.next()
            status = await it.status()
            seen.append([it.socket.protocol, first, it.output[1], it.output[2], status])
            seen.append(await it.end())
    assert seen[0][1] == b"\x01"
    assert seen[0][4] == {"metadata": {}, "status": "Success"}
    return seen


@case("exec.exit-code")
async def test_an_exit_code_is_a_cause_of_the_status(cluster: Cluster) -> Any:
    await running(cluster, HOLD)
    seen: list[Any] = []
    for protocol in (V5, V4):
        async with cluster.exec("p", "sh", "-c", "exit 7", protocol=protocol) as it:
            seen.append(await it.status())
            seen.append(await it.end())
    async with cluster.exec("p", "sh", "-c", "kill -9 $$", protocol=V5) as it:
        seen.append(await it.status())
    assert {"reason": "ExitCode", "message": "7"} in seen[0]["details"]["causes"]
    return seen


@case("exec.half-close")
async def test_v5_ends_stdin_and_the_output_still_comes(cluster: Cluster) -> Any:
    await running(cluster, HOLD)
    async with cluster.exec("p", "cat", protocol=V5, stdin=True) as it:
        await it.send(b"some \x00\xff bytes")
        await it.end_stdin()
        status = await it.status()
        code = await it.end()
    assert it.output[1] == b"some \x00\xff bytes"
    return [it.output[1], it.output[2], status, code, it.ended]


@case("exec.v4-stdin")
async def test_v4_takes_input_and_cannot_end_it(cluster: Cluster) -> Any:
    await running(cluster, HOLD)
    async with cluster.exec("p", "head", "-c", "4", protocol=V4, stdin=True) as it:
        await it.send(b"more")
        status = await it.status()
    assert it.output[1] == b"more"
    return [it.output[1], status]


@case("exec.client-gone")
async def test_a_command_that_reads_learns_that_its_client_has_gone(cluster: Cluster) -> Any:
    await running(cluster, HOLD)
    mark = f"/tmp/{cluster.namespace}"
    script = f"echo up; cat; touch {mark}; exec sleep 600"
    async with cluster.exec("p", "sh", "-c", script, protocol=V5, stdin=True) as it:
        await it.until_output(b"up\n")
    wait = f"while [ ! -e {mark} ]; do sleep 0.05; done; rm {mark}; echo ended"
    async with cluster.exec("p", "timeout", "60", "sh", "-c", wait, protocol=V5) as it:
        status = await it.status()
    assert it.output[1] == b"ended\n"
    return [it.output[1], status]


@case("exec.bulk")
async def test_megabytes_arrive_in_order_in_messages_of_bounded_size(cluster: Cluster) -> Any:
    await running(cluster, HOLD)
    script = "i=0; while [ $i -lt 60000 ]; do echo line $i; i=$((i+1)); done"
    largest = total = 0
    async with cluster.exec("p", "sh", "-c", script, protocol=V5) as it:
        got = b""
        while (message := await it.next())[0] != 3:
            largest, got = max(largest, len(message)), got + message[1:]
    total = len(got)
    assert got == b"".join(b"line %d\n" % n for n in range(60_000))
    assert largest <= 32 * 1024 + 1
    return total


@case("exec.input")
async def test_input_in_pieces_arrives_whole(cluster: Cluster) -> Any:
    await running(cluster, HOLD)
    piece = b"0123456789abcde\n" * 2048
    async with cluster.exec("p", "sh", "-c", "wc -c", protocol=V5, stdin=True) as it:
        for _ in range(64):
            await it.send(piece)
        await it.end_stdin()
        await it.status()
    assert int(it.output[1]) == 64 * len(piece)
    return it.output[1].strip()


@case("exec.no-program")
async def test_a_program_that_is_not_there_is_told_on_the_status_channel(cluster: Cluster) -> Any:
    await running(cluster, HOLD)
    async with cluster.exec("p", "no-such-program", protocol=V5) as it:
        status = await it.status()
    assert "no-such-program" in status["message"]
    return {key: value for key, value in status.items() if key not in ("message", "details")}


@case("exec.refusals")
async def test_an_exec_that_cannot_begin_is_an_http_error_before_the_upgrade(
    cluster: Cluster,
) -> Any:
    await running(cluster, HOLD)
    path = cluster.core("pods", "p", "exec")
    query = {"command": "ls", "stdout": "true"}
    answers = [
        await cluster.ask("GET", path, **query, container="other"),
        await cluster.ask("GET", path, stdout="true"),
        await cluster.ask("GET", path, command="ls"),
        await cluster.ask("GET", path.replace("/p/", "/none/"), **query),
        await cluster.ask("GET", path, **query),
    ]
    assert [answer.code for answer in answers[:4]] == [400, 400, 400, 404]
    return [*(a.seen() for a in answers), await attempt(cluster, "ls", container="other")]


@case("exec.protocols")
async def test_a_protocol_that_is_not_known_is_refused(cluster: Cluster) -> Any:
    await running(cluster, HOLD)
    return await attempt(cluster, "ls", protocol="v99.channel.k8s.io")


@case("exec.waiting")
async def test_nothing_is_run_in_a_container_that_has_not_started(cluster: Cluster) -> Any:
    source = [{"secretRef": {"name": "none"}}]
    await created(cluster, a_pod(a_container(cluster.image, "true", envFrom=source)))

    def is_scheduled(answer: Any) -> bool:
        return bool((answer.body["status"] or {}).get("containerStatuses"))

    await cluster.until(cluster.core("pods", "p"), is_scheduled)
    return [await attempt(cluster, "ls"), await plainly(cluster, "ls")]


@case("exec.two-containers")
async def test_of_several_containers_one_must_be_named(cluster: Cluster) -> Any:
    two = [a_container(cluster.image, HOLD, name=name) for name in ("a", "b")]
    await created(cluster, a_pod(*two))
    answers = [
        await cluster.ask("GET", cluster.core("pods", "p", sub), command="ls", stdout="true")
        for sub in ("exec", "log")
    ]
    return [answer.seen() for answer in answers]


@case("exec.ended")
async def test_nothing_is_run_in_a_pod_that_has_ended(cluster: Cluster) -> Any:
    await ended(cluster, "true")
    return [await attempt(cluster, "ls"), await plainly(cluster, "ls")]


@case("exec.unscheduled")
async def test_nothing_is_run_in_a_pod_that_has_no_node(cluster: Cluster) -> Any:
    await created(cluster, a_pod(a_container("a:1", "true"), schedulerName="nobody"))
    return [
        (
            await cluster.ask("GET", cluster.core("pods", "p", sub), command="ls", stdout="true")
        ).seen()
        for sub in ("exec", "log")
    ]
