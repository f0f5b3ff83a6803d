"""The kubelet with real processes: pods from the scheduler to their containers."""

import base64
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from devcluster.ports import NodeError
from support.node import (
    RunningNode,
    condition,
    has_phase,
    running_node,
    state,
    waits_because,
)
from support.pods import a_container, a_pod, a_shell

MOUNT = {"name": "v", "mountPath": "/shared"}


EMPTY = {"name": "v", "emptyDir": {}}


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[RunningNode]:
    async with running_node(tmp_path) as node:
        yield node


async def test_a_pod_runs_from_its_init_containers_to_its_end(node: RunningNode) -> None:
    init = a_shell("echo from init > /shared/f", name="init", volumeMounts=[MOUNT])
    main = a_shell("cat /shared/f; printf bye > /dev/termination-log; exit 3", volumeMounts=[MOUNT])
    node.create(a_pod(main, initContainers=[init], volumes=[EMPTY]))
    pod = await node.until(has_phase("Failed"))
    kind, ended = state(pod)
    assert (kind, ended["exitCode"], ended["reason"]) == ("terminated", 3, "Error")
    assert ended["message"] == "bye"
    status = pod["status"]
    assert (status["podIP"], status["qosClass"]) == ("127.0.0.1", "BestEffort")
    assert status["initContainerStatuses"][0]["state"]["terminated"]["reason"] == "Completed"
    assert condition(pod, "Ready")["reason"] == "PodFailed"
    assert await node.log() == "from init\n"
    assert node.events("Scheduled")
    assert len(node.events("Started")) == 2


async def test_a_failed_init_container_fails_the_pod_and_nothing_else_is_started(
    node: RunningNode,
) -> None:
    node.create(a_pod(initContainers=[a_shell("exit 1", name="init")]))
    pod = await node.until(has_phase("Failed"))
    assert state(pod) == ("waiting", {"reason": "PodInitializing"})
    assert condition(pod, "Initialized")["reason"] == "ContainersNotInitialized"


@pytest.mark.parametrize(
    ("script", "code", "reason"),
    [("exit 0", 0, "Completed"), ("kill -9 $$$$", 137, "Error"), ("kill -TERM $$$$", 143, "Error")],
)
async def test_a_signal_is_128_and_its_number(
    node: RunningNode, script: str, code: int, reason: str
) -> None:
    node.create(a_pod(a_shell(script)))
    pod = await node.until(lambda pod: state(pod)[0] == "terminated")
    assert (state(pod)[1]["exitCode"], state(pod)[1]["reason"]) == (code, reason)


async def test_a_program_that_does_not_exist_is_a_start_error(node: RunningNode) -> None:
    node.create(a_pod(a_container("no-such-program")))
    ended = state(await node.until(has_phase("Failed")))[1]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert 'exec: "no-such-program": executable file not found in $PATH' in ended["message"]


async def test_a_missing_secret_is_a_config_error_until_it_is_there(node: RunningNode) -> None:
    key = {"secretKeyRef": {"name": "s", "key": "k"}}
    node.create(a_pod(a_shell("echo $X", env=[{"name": "X", "valueFrom": key}])))
    pod = await node.until(waits_because("CreateContainerConfigError"))
    assert state(pod)[1]["message"] == 'secret "s" not found'
    assert pod["status"]["phase"] == "Pending"
    assert 'Error: secret "s" not found' in node.events("Failed")
    data = {"k": base64.b64encode(b"found").decode()}
    node.store.create("secrets", "default", {"metadata": {"name": "s"}, "data": data})
    await node.until(has_phase("Succeeded"))
    assert await node.log() == "found\n"


async def test_a_volume_whose_source_is_missing_holds_the_pod_back(node: RunningNode) -> None:
    volume = {"name": "v", "configMap": {"name": "c"}}
    main = a_shell("cat /shared/a /etc/b", volumeMounts=[MOUNT, {**MOUNT, "mountPath": "/etc/b"}])
    main["volumeMounts"][1]["subPath"] = "b"
    node.create(a_pod(main, volumes=[volume]))
    await node.until_told("FailedMount")
    assert state(node.pod()) == ("waiting", {"reason": "ContainerCreating"})
    why = 'MountVolume.SetUp failed for volume "v" : configmap "c" not found'
    assert node.events("FailedMount") == [why]
    source = {"metadata": {"name": "c"}, "data": {"a": "1\n", "b": "2\n"}}
    node.store.create("configmaps", "default", source)
    await node.until(has_phase("Succeeded"))
    assert await node.log() == "1\n2\n"


async def test_an_image_of_an_impossible_registry_is_never_pulled(node: RunningNode) -> None:
    node.create(a_pod(a_container("true", image="registry.invalid/a:1")))
    pod = await node.until(waits_because("ErrImagePull"))
    assert "registry.invalid/a:1" in state(pod)[1]["message"]
    assert "no such host" in state(pod)[1]["message"]
    await node.until(waits_because("ImagePullBackOff"))
    node.delete()
    await node.until_gone()


async def test_a_claim_is_waited_for_and_kept_for_the_next_pod(node: RunningNode) -> None:
    claim = {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}
    for script in ("echo kept > /shared/f", "cat /shared/f"):
        main = a_shell(script, volumeMounts=[MOUNT])
        node.create(a_pod(main, name=f"pod{script[0]}", volumes=[claim]))
        if not node.store.list("persistentvolumeclaims"):
            pod = await node.until(lambda pod: bool(condition(pod, "PodScheduled")), "pode")
            assert condition(pod, "PodScheduled")["reason"] == "Unschedulable"
            wanted = {"metadata": {"name": "data"}}
            node.store.create("persistentvolumeclaims", "default", wanted)
        await node.until(has_phase("Succeeded"), f"pod{script[0]}")
    assert await node.log("podc") == "kept\n"


async def test_a_pod_with_a_scheduling_gate_waits_until_it_has_none(node: RunningNode) -> None:
    node.create(a_pod(schedulingGates=[{"name": "example.dev/queue"}]))
    pod = await node.until(lambda pod: bool(condition(pod, "PodScheduled")))
    assert condition(pod, "PodScheduled")["reason"] == "SchedulingGated"
    node.let_go()
    await node.until(has_phase("Succeeded"))


async def test_the_environment_holds_the_spec_and_nothing_of_the_developer(
    node: RunningNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEVELOPERS_TOKEN", "x")
    env = [{"name": "A", "value": "1"}, {"name": "DIR", "value": "/shared/$(A)"}]
    main = a_container("env", env=env, volumeMounts=[MOUNT], workingDir="/shared/deep")
    node.create(a_pod(main, volumes=[EMPTY]))
    await node.until(has_phase("Succeeded"))
    found = dict(line.split("=", 1) for line in (await node.log()).splitlines())
    fixed = {"PATH", "HOSTNAME", "HOME", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"}
    assert found.keys() == {*fixed, "A", "DIR"}
    assert found["HOSTNAME"] == "pod"
    directory = Path(found["DIR"])
    assert directory.name == "1"
    assert (directory.parent / "deep").is_dir()


async def test_the_path_option_leads_the_path(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/of-the-image"
    program.write_text("#!/bin/sh\necho it runs\n", encoding="utf-8")
    program.chmod(0o755)
    async with running_node(tmp_path / "n", path=(str(tmp_path / "bin"),)) as node:
        node.create(a_pod(a_container("of-the-image")))
        await node.until(has_phase("Succeeded"))
        assert await node.log() == "it runs\n"


def is_ready(status: str) -> Callable[[dict[str, Any]], bool]:
    return lambda pod: bool(condition(pod, "Ready")["status"] == status)


SERVER = """
import http.server, os, pathlib
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if pathlib.Path("/shared/ok").exists() else 503)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(os.environ["READY_PORT"])), Handler).serve_forever()
"""


async def test_readiness_follows_the_probe_on_the_local_port(node: RunningNode) -> None:
    probe = {"httpGet": {"path": "/ready", "port": "ready"}, "periodSeconds": 1}
    probe |= {"timeoutSeconds": 30}
    main = a_container(
        *("python3", "-I", "-S", "-c", SERVER),
        env=[{"name": "READY_PORT", "value": "8099"}],
        ports=[{"name": "ready", "containerPort": 8099}],
        readinessProbe={**probe, "failureThreshold": 1},
        volumeMounts=[MOUNT],
    )
    node.create(a_pod(main, volumes=[EMPTY]))
    pod = await node.until(has_phase("Running"))
    assert condition(pod, "Ready")["reason"] == "ContainersNotReady"
    for command, ready in (("touch", "True"), ("rm", "False")):
        process = await node.kubelet.exec(
            "default", "pod", "main", [command, "/shared/ok"], stdin=False, tty=False
        )
        assert await process.wait() == 0
        await process.kill()
        await node.until(is_ready(ready))
    assert "statuscode: 503" in node.events("Unhealthy")[-1]


async def test_a_log_that_cannot_be_had_is_refused_with_the_reason(node: RunningNode) -> None:
    node.create(a_pod(a_container("true"), annotations={"devcluster/fault": "no-start"}))
    await node.until(lambda pod: bool(pod["status"].get("containerStatuses")))
    with pytest.raises(NodeError, match="is waiting to start: ContainerCreating"):
        await node.log()
    with pytest.raises(NodeError, match="previous terminated container") as caught:
        await node.log(previous=True)
    assert caught.value.code == 400


async def test_a_failing_container_is_restarted_with_a_growing_delay(node: RunningNode) -> None:
    node.create(a_pod(a_shell("echo run; exit 1"), restartPolicy="OnFailure"))
    pod = await node.until(waits_because("CrashLoopBackOff"))
    (status,) = pod["status"]["containerStatuses"]
    assert (status["restartCount"], pod["status"]["phase"]) == (1, "Running")
    assert status["lastState"]["terminated"]["exitCode"] == 1
    assert status["state"]["waiting"]["message"].startswith("back-off 10s restarting failed")
    assert await node.log() == "run\n"
    node.delete()
    await node.until_gone()


async def test_twenty_pods_at_once_all_end_well(node: RunningNode) -> None:
    for n in range(20):
        node.create(a_pod(name=f"pod{n}"))
    for n in range(20):
        await node.until(has_phase("Succeeded"), f"pod{n}")
