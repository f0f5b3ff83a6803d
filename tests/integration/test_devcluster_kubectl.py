"""The real kubectl against devcluster: every verb that people use on executions."""

import json
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devcluster.cel_rules import UNCHECKED
from support.devcluster_objects import a_crd, a_pod, a_widget
from support.devcluster_process import devcluster_process
from support.kubectl import Kubectl
from support.waiting import eventually

CRD_NAME = "widgets.example.dev"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    home = tmp_path_factory.mktemp("kubectl")
    kubectl = Kubectl(home / "kubeconfig", home)
    with devcluster_process(home / "kubeconfig"):
        kubectl.apply(a_crd())
        kubectl("wait", "--for=condition=Established", f"crd/{CRD_NAME}", "--timeout=60s")
        yield kubectl


@pytest.fixture
def kubectl(cluster: Kubectl) -> Iterator[Kubectl]:
    """Everything that a test makes in the default namespace goes with it."""
    yield cluster
    cluster("delete", "widgets,pods,configmaps,secrets,resourcequotas", "--all", "--now")


@pytest.fixture(scope="module")
def running_pod(cluster: Kubectl) -> Iterator[str]:
    """In a namespace of its own: the same container for all tests of logs and exec."""
    cluster("create", "namespace", "pods")
    script = "echo first; echo second; echo third >&2; while sleep 0.1; do echo tick; done"
    container = {"name": "main", "image": "local/image:1", "command": ["sh", "-c", script]}
    pod = a_pod("p", containers=[container], terminationGracePeriodSeconds=1)
    cluster("create", "-n", "pods", "-f", "-", stdin=json.dumps(pod))
    cluster("wait", "-n", "pods", "pod/p", "--for=condition=Ready", "--timeout=60s")
    yield "p"
    cluster("delete", "namespace", "pods")


def a_ready_status(message: str) -> str:
    condition = {"type": "Ready", "status": "True", "message": message}
    return json.dumps({"status": {"phase": "Running", "conditions": [condition]}})


def patch_status(kubectl: Kubectl, name: str, message: str) -> str:
    patch = ("--subresource=status", "--type=merge", "-p", a_ready_status(message))
    return kubectl("patch", "wd", name, *patch)


# apply, patch, delete


def test_apply_creates_leaves_and_changes(kubectl: Kubectl) -> None:
    assert kubectl.apply(a_widget()) == "widget.example.dev/one created\n"
    assert kubectl.apply(a_widget()) == "widget.example.dev/one unchanged\n"
    assert kubectl.apply(a_widget(size=7)) == "widget.example.dev/one configured\n"
    assert kubectl.get("wd", "one")["spec"]["size"] == 7
    kubectl.apply(a_widget())
    assert kubectl.get("wd", "one")["spec"]["size"] == 3


@pytest.mark.parametrize("name", ["new", "there"])
def test_apply_refuses_an_unknown_field(kubectl: Kubectl, name: str) -> None:
    kubectl.apply(a_widget("there"))
    assert 'strict decoding error: unknown field "spec.promt"' in kubectl.refused(
        a_widget(name, promt="x")
    )


def test_apply_tells_every_mistake_at_once(kubectl: Kubectl) -> None:
    first, *mistakes = kubectl.refused(a_widget(size=0, mode="Huge")).splitlines()
    assert first == 'The Widget "one" is invalid: '
    assert sorted(mistakes) == [
        f"* <nil>: Invalid value: null: {UNCHECKED}",
        '* spec.mode: Unsupported value: "Huge": supported values: "Small", "Big"',
        "* spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1",
    ]


def test_apply_tells_the_message_of_a_rule(kubectl: Kubectl) -> None:
    words = 'spec: Invalid value: "object": a size of 100 or more needs the mode Big'
    assert kubectl.refused(a_widget(size=100)) == f'The Widget "one" is invalid: {words}\n'


def test_apply_on_the_server_without_storing(kubectl: Kubectl) -> None:
    done = kubectl("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(a_widget()))
    assert done == "widget.example.dev/one created (server dry run)\n"
    assert kubectl.run("get", "wd", "one").returncode == 1


def test_apply_changes_built_in_objects_by_strategic_patch(kubectl: Kubectl) -> None:
    def configmap(**data: str) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}

    kubectl.apply(configmap(a="1", b="2"))
    kubectl.apply(configmap(a="3"))
    assert kubectl.get("configmap", "c")["data"] == {"a": "3"}


def test_patches_by_merge_and_by_json(kubectl: Kubectl) -> None:
    kubectl.apply(a_widget())
    kubectl("patch", "wd", "one", "--type=merge", "-p", '{"spec":{"size":4}}')
    kubectl("patch", "wd", "one", "--type=json", "-p", '[{"op":"remove","path":"/spec/mode"}]')
    assert kubectl.get("wd", "one")["spec"] == {"prompt": "hello", "size": 4, "mode": "Small"}


def test_a_transition_rule_holds_against_a_patch(kubectl: Kubectl) -> None:
    kubectl.apply(a_widget())
    patch_status(kubectl, "one", "it is")
    done = kubectl.run("patch", "wd", "one", "--type=merge", "-p", '{"spec":{"mode":"Big"}}')
    assert done.returncode == 1
    assert "spec.mode cannot change once there is a status" in done.stderr


def test_label_annotate_replace_edit_by_name(kubectl: Kubectl) -> None:
    kubectl.apply(a_widget())
    kubectl("label", "wd", "one", "app=x")
    kubectl("annotate", "wd", "one", "note=y")
    kubectl("replace", "-f", "-", stdin=json.dumps(a_widget(size=9)))
    assert kubectl.get("wd", "one")["spec"]["size"] == 9


def test_delete_waits_until_the_last_finalizer_is_gone(kubectl: Kubectl) -> None:
    kubectl.apply(a_widget(metadata={"finalizers": ["example.dev/hold"]}))
    done = kubectl.run("delete", "wd", "one", "--timeout=1s")
    assert "timed out" in done.stderr
    kubectl("patch", "wd", "one", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert kubectl.run("get", "wd", "one").returncode == 1


def test_secrets_and_quotas_are_made_from_the_command_line(kubectl: Kubectl) -> None:
    kubectl("create", "secret", "generic", "s", "--from-literal=key=value")
    assert kubectl.get("secret", "s")["data"] == {"key": "dmFsdWU="}
    kubectl("create", "quota", "q", "--hard=pods=0")
    done = kubectl.run("run", "p", "--image=local/image:1")
    assert 'pods "p" is forbidden: exceeded quota: q' in done.stderr


# get, describe, wait


def test_get_prints_the_columns_of_the_definition(kubectl: Kubectl) -> None:
    kubectl.apply(a_widget(metadata={"labels": {"app": "x"}}))
    patch_status(kubectl, "one", "it is ready")

    def lines(*args: str) -> list[list[str]]:
        return [line.split(maxsplit=3) for line in kubectl("get", "wd", *args).splitlines()]

    assert lines()[0] == ["NAME", "PHASE", "SIZE", "AGE"]
    assert lines()[1][:3] == ["one", "Running", "3"]
    assert kubectl("get", "wd", "-o", "wide").splitlines()[0].split()[2] == "WHY"
    assert "it is ready" in kubectl("get", "wd", "-o", "wide")
    assert len(lines("-l", "app=x", "--no-headers")) == 1
    assert kubectl("get", "wd", "-l", "app=y", "--no-headers") == ""
    assert kubectl("get", "wd", "-A").split()[0] == "NAMESPACE"
    assert "size: 3" in kubectl("get", "wd", "one", "-o", "yaml")


def test_get_watches(kubectl: Kubectl) -> None:
    kubectl.apply(a_widget())
    with kubectl_process(kubectl, "get", "wd", "-w", "--no-headers") as watch:
        assert b"one" in next_line(watch)
        patch_status(kubectl, "one", "it is")
        assert b"Running" in next_line(watch)
        watch.terminate()


def test_wait_returns_when_the_condition_is_true(kubectl: Kubectl) -> None:
    kubectl.apply(a_widget())
    with kubectl_process(kubectl, "wait", "wd/one", "--for=condition=Ready") as waiting:
        patch_status(kubectl, "one", "it is")
        assert waiting.wait(60) == 0
    kubectl("wait", "wd/one", "--for=jsonpath={.status.phase}=Running", "--timeout=60s")


def test_describe_tells_the_events_of_the_object(kubectl: Kubectl) -> None:
    kubectl.apply(a_widget())
    uid = kubectl.get("wd", "one")["metadata"]["uid"]
    about = {"kind": "Widget", "name": "one", "namespace": "default", "uid": uid}
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"generateName": "one-", "namespace": "default"},
        "involvedObject": {"apiVersion": "example.dev/v1alpha1", **about},
        "reason": "Begun",
        "message": "the widget has begun",
        "type": "Normal",
        "source": {"component": "test"},
        "firstTimestamp": "2024-01-01T00:00:00Z",
        "lastTimestamp": "2024-01-01T00:00:00Z",
    }
    kubectl("create", "-f", "-", stdin=json.dumps(event))
    assert "the widget has begun" in kubectl("describe", "wd", "one")
    assert "widget/one" in kubectl("get", "events")


def test_explain_reads_the_schema(kubectl: Kubectl) -> None:
    assert "prompt\t<string> -required-" in kubectl("explain", "wd.spec")


def test_a_namespace_comes_and_goes_with_what_is_in_it(kubectl: Kubectl) -> None:
    kubectl("create", "namespace", "team")
    kubectl("create", "-n", "team", "-f", "-", stdin=json.dumps(a_widget()))
    kubectl("delete", "namespace", "team", "--timeout=60s")
    assert "team" not in kubectl("get", "namespaces")


# pods


def test_pods_are_listed_with_what_they_do(kubectl: Kubectl, running_pod: str) -> None:
    line = kubectl("get", "pods", "-n", "pods", "--no-headers").split()
    assert line[:4] == [running_pod, "1/1", "Running", "0"]
    assert "Started container main" in kubectl("describe", "pod", "-n", "pods", running_pod)


def test_logs_are_read_and_followed(kubectl: Kubectl, running_pod: str) -> None:
    def lines() -> list[str] | None:
        found = kubectl("logs", "-n", "pods", running_pod).splitlines()
        return found if {"first", "second", "third"} <= set(found) else None

    assert eventually(lines).index("first") < 2  # the two streams may overtake each other
    with kubectl_process(kubectl, "logs", "-f", "-n", "pods", running_pod, "--tail=1") as logs:
        assert [next_line(logs) for _ in range(4)][-1] == b"tick\n"
        logs.terminate()


def test_exec_gives_both_streams_and_the_code(kubectl: Kubectl, running_pod: str) -> None:
    script = "echo out; echo err >&2; exit 7"
    done = kubectl.run("exec", "-n", "pods", running_pod, "--", "sh", "-c", script)
    assert (done.stdout, done.returncode) == ("out\n", 7)
    assert done.stderr.startswith("err\n")


def test_exec_carries_megabytes_in_both_directions(kubectl: Kubectl, running_pod: str) -> None:
    text = "0123456789abcde\n" * 200_000
    assert kubectl("exec", "-i", "-n", "pods", running_pod, "--", "cat", stdin=text) == text


def test_exec_of_what_is_not_there_is_told(kubectl: Kubectl, running_pod: str) -> None:
    missing = kubectl.run("exec", "-n", "pods", running_pod, "--", "no-such-program")
    assert "no-such-program" in missing.stderr
    other = kubectl.run("exec", "-n", "pods", running_pod, "-c", "other", "--", "ls")
    assert "container other is not valid for pod p" in other.stderr


def test_exec_with_a_terminal(kubectl: Kubectl, running_pod: str) -> None:
    ours, theirs = pty.openpty()
    argv = ("exec", "-it", "-n", "pods", running_pod, "--", "sh", "-c", "tty; exit 3")
    with kubectl_process(kubectl, *argv, stdin=theirs) as terminal:
        os.close(theirs)
        assert b"/dev/pts/" in next_line(terminal)
        assert terminal.wait(60) == 3
    os.close(ours)


def kubectl_process(
    kubectl: Kubectl, *args: str, stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """One that is looked at while it runs."""
    return subprocess.Popen(
        ["kubectl", *args], env=kubectl._env, stdin=stdin, stdout=subprocess.PIPE
    )


def next_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    stream, line = process.stdout, b""

    def more() -> bytes | None:
        nonlocal line
        line += stream.readline() or b""
        return line if line.endswith(b"\n") else None

    return eventually(more, what="a line of kubectl")


def test_what_has_ended_says_so_and_keeps_its_log(kubectl: Kubectl) -> None:
    container = {"name": "main", "image": "local/image:1", "command": ["sh", "-c", "echo end"]}
    kubectl.apply(a_pod("short", containers=[container], restartPolicy="Never"))
    phase = "--for=jsonpath={.status.phase}=Succeeded"
    kubectl("wait", "pod/short", phase, "--timeout=60s")
    assert kubectl("get", "pod", "short", "--no-headers").split()[:3] == [
        "short",
        "0/1",
        "Completed",
    ]
    assert kubectl("logs", "short") == "end\n"
    done = kubectl.run("exec", "short", "--", "ls")
    assert "cannot exec into a container in a completed pod" in done.stderr


def test_a_deleted_pod_is_ended_within_the_grace_that_is_asked_for(kubectl: Kubectl) -> None:
    """Of itself it does not end, and its own grace is longer than anybody would wait here."""
    deaf = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"]
    container = {"name": "main", "image": "local/image:1", "command": deaf}
    kubectl.apply(a_pod("long", containers=[container], terminationGracePeriodSeconds=3600))
    kubectl("wait", "pod/long", "--for=condition=Ready", "--timeout=60s")
    kubectl("delete", "pod", "long", "--grace-period=1", "--timeout=60s")
    assert kubectl.run("get", "pod", "long").returncode == 1


def test_the_kubeconfig_is_all_that_is_needed(tmp_path: Path) -> None:
    kubectl = Kubectl(tmp_path / "kubeconfig", tmp_path)
    with devcluster_process(tmp_path / "kubeconfig", "--data-dir", str(tmp_path / "data")):
        kubectl("create", "configmap", "kept", "--from-literal=a=b")
    with devcluster_process(tmp_path / "kubeconfig", "--data-dir", str(tmp_path / "data")):
        assert kubectl.get("configmap", "kept")["data"] == {"a": "b"}
        assert "Server Version" in kubectl("version")
