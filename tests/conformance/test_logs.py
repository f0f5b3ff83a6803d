"""pods/log: the options that the gateway uses, and what is answered where there is no log."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from conformance.case import case
from conformance.cluster import Cluster
from conformance.pods import a_container, a_pod, created, ended, running

LINES = "for n in 1 2 3 4 5; do echo line $n; done"


async def log(cluster: Cluster, **query: str) -> Any:
    return (await cluster.ask("GET", cluster.core("pods", "p", "log"), **query)).seen()


@case("log.parts")
async def test_a_log_is_read_whole_its_end_or_its_beginning(cluster: Cluster) -> Any:
    await ended(cluster, f"{LINES}; printf 'no newline'")
    seen = [
        await log(cluster, **query)
        for query in (
            {},
            {"tailLines": "2"},
            {"tailLines": "0"},
            {"tailLines": "99"},
            {"limitBytes": "10"},
            {"tailLines": "2", "limitBytes": "3"},
            {"limitBytes": "100000"},
            {"container": "main"},
            {"follow": "true"},
            {"sinceSeconds": "3600"},
        )
    ]
    assert seen[1]["body"] == "line 5\nno newline"
    assert seen[8]["body"] == seen[0]["body"]
    return seen


@case("log.since")
async def test_a_log_is_read_from_a_time_on(cluster: Cluster) -> Any:
    await ended(cluster, LINES)
    now = datetime.now(UTC)
    past, future = (now + timedelta(hours=hours) for hours in (-1, 1))
    form = "%Y-%m-%dT%H:%M:%SZ"
    return [
        await log(cluster, sinceTime=past.strftime(form)),
        await log(cluster, sinceTime=future.strftime(form)),
    ]


@case("log.timestamps")
async def test_each_line_can_have_its_time(cluster: Cluster) -> Any:
    await ended(cluster, LINES)
    text = (await log(cluster, timestamps="true"))["body"]
    stamps = [line.split(" ", 1) for line in text.splitlines()]
    assert [line for _, line in stamps] == [f"line {n}" for n in range(1, 6)]
    times = [datetime.fromisoformat(stamp[:26].rstrip("Z")) for stamp, _ in stamps]
    assert times == sorted(times)
    return text


@case("log.wrong-query")
async def test_an_option_that_makes_no_sense_is_refused(cluster: Cluster) -> Any:
    await created(cluster, a_pod(a_container("a:1", "true"), schedulerName="nobody"))
    return [
        await log(cluster, **query)
        for query in (
            {"tailLines": "-1"},
            {"limitBytes": "0"},
            {"sinceSeconds": "0"},
            {"sinceSeconds": "1", "sinceTime": "2024-01-01T00:00:00Z"},
            {"container": "other"},
            {"tailLines": "many"},
            {"sinceTime": "noon"},
        )
    ]


@case("log.previous")
async def test_a_container_that_never_restarted_has_no_previous_log(cluster: Cluster) -> Any:
    await ended(cluster, LINES)
    return await log(cluster, previous="true")


@case("log.previous-run")
async def test_after_a_restart_the_log_before_it_is_still_there(cluster: Cluster) -> Any:
    script = (
        "if [ -e /v/again ]; then echo second; exec sleep 600; fi; "
        "touch /v/again; echo first; exit 3"
    )
    mount: dict[str, Any] = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    pod = a_pod(
        a_container(cluster.image, script, **mount),
        restartPolicy="OnFailure",
        volumes=[{"name": "v", "emptyDir": {}}],
    )
    await created(cluster, pod)

    def restarted(answer: Any) -> bool:
        statuses = answer.body["status"].get("containerStatuses") or ()
        return any(s["restartCount"] == 1 and "running" in s["state"] for s in statuses)

    found = (await cluster.until(cluster.core("pods", "p"), restarted)).body
    last = found["status"]["containerStatuses"][0]["lastState"]["terminated"]
    assert last["exitCode"] == 3
    await cluster.until(cluster.core("pods", "p", "log"), lambda a: "second" in str(a.body))
    return [await log(cluster), await log(cluster, previous="true"), last["reason"]]


@case("log.follow")
async def test_a_followed_log_ends_with_its_container(cluster: Cluster) -> Any:
    mark = f"/tmp/{cluster.namespace}"  # devcluster's containers share the machine's /tmp
    await running(
        cluster, f"echo begun; while [ ! -e {mark} ]; do sleep 0.05; done; rm {mark}; echo ended"
    )
    async with asyncio.TaskGroup() as tasks:
        followed = tasks.create_task(log(cluster, follow="true"))
        async with cluster.exec("p", "touch", mark, protocol="v5.channel.k8s.io") as it:
            await it.status()
    assert followed.result()["body"] == "begun\nended\n"
    return followed.result()


@case("log.waiting")
async def test_a_container_that_has_not_started_has_no_log_yet(cluster: Cluster) -> Any:
    source = [{"secretRef": {"name": "none"}}]
    await created(cluster, a_pod(a_container(cluster.image, "true", envFrom=source)))

    def waits(answer: Any) -> bool:
        states = [s["state"] for s in answer.body["status"].get("containerStatuses", ())]
        reasons = [s.get("waiting", {}).get("reason") for s in states]
        return "CreateContainerConfigError" in reasons

    await cluster.until(cluster.core("pods", "p"), waits)
    return [await log(cluster), await log(cluster, follow="true")]


@case("log.no-pod")
async def test_a_pod_that_is_not_there_has_no_log(cluster: Cluster) -> Any:
    return await log(cluster)


@case("log.bytes")
async def test_long_lines_and_odd_bytes_come_back_as_they_were(cluster: Cluster) -> Any:
    script = (
        "i=0; while [ $i -lt 2000 ]; do printf 0123456789; i=$((i+1)); done; echo; "
        "printf 'a\\000b\\r\\nc\\377d\\n'"
    )
    await ended(cluster, script)
    text = (await log(cluster))["body"]
    head, *rest = text.splitlines(keepends=True)
    assert head == "0123456789" * 2000 + "\n"
    return [len(head), rest]
