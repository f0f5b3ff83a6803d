"""Bad input: every refusal names the field or the object, and what would be right."""

from typing import Any

import pytest

from support.kubectl import Kubectl, an_execution


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, ["spec", "name exactly one of prompt, promptFrom and command"]),
        ({"prompt": "x", "command": ["y"]}, ["name exactly one of prompt, promptFrom"]),
        ({"command": ["x"], "maxTurns": 3}, ["maxTurns", "go with a prompt"]),
        ({"prompt": "x", "maxTurns": 0}, ["spec.maxTurns", "greater than or equal to 1"]),
        ({"prompt": ""}, ["spec.prompt", "at least 1"]),
        ({"prompt": "x" * 32_001}, ["spec.prompt", "32000"]),
        ({"prompt": "x", "desiredState": "Stopped"}, ["spec.desiredState", '"Paused"']),
        ({"prompt": "x", "permissionMode": "yolo"}, ["spec.permissionMode", '"plan"']),
        ({"prompt": "x", "promt": "y"}, ['unknown field "spec.promt"']),
        ({"prompt": "x", "env": [{"name": "CCX_RUN_DIR"}]}, ["env[0]", "choose another name"]),
        ({"promptFrom": {}}, ["spec.promptFrom", "configMapKeyRef and secretKeyRef"]),
        ({"command": ["x"], "credentials": {}}, ["spec.credentials.secretRef", "Required"]),
    ],
)
def test_the_api_server_refuses_it_at_once(
    kubectl: Kubectl, spec: dict[str, Any], words: list[str]
) -> None:
    told = kubectl.refused(an_execution("refused", **spec))
    assert [word for word in words if word not in told] == [], told


@pytest.mark.parametrize(
    ("field", "template"),
    [
        ("podTemplate.spec.hostNetwork", {"spec": {"hostNetwork": True}}),
        ("podTemplate.spec.shareProcessNamespace", {"spec": {"shareProcessNamespace": True}}),
        ("podTemplate.spec.restartPolicy", {"spec": {"restartPolicy": "Always"}}),
        (
            "podTemplate.spec.volumes[0].hostPath",
            {"spec": {"volumes": [{"name": "root", "hostPath": {"path": "/"}}]}},
        ),
    ],
)
def test_the_operator_refuses_what_would_undo_the_supervision(
    kubectl: Kubectl, field: str, template: dict[str, Any]
) -> None:
    name = field.rpartition(".")[2].lower().replace("[", "").replace("]", "")
    kubectl.apply(an_execution(name, command=["true"], podTemplate=template))
    status = kubectl.wait(name, "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "NotAllowed")
    assert f"spec.{field}" in status["message"]


def test_a_missing_secret_is_named(kubectl: Kubectl) -> None:
    missing = {"secretRef": {"name": "no-such-secret"}}
    kubectl.apply(an_execution("no-secret", command=["true"], credentials=missing))
    status = kubectl.reaches("no-secret", "ConfigError")
    assert status["phase"] == "Starting"
    assert "no-such-secret" in status["message"]
    kubectl("delete", "cx", "no-secret")


def test_an_image_that_cannot_be_had_is_named(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("no-image", command=["true"], image="registry.invalid/agent:1"))
    status = kubectl.reaches("no-image", "ImagePullError", seconds=90)
    assert "registry.invalid/agent:1" in status["message"]
    kubectl("delete", "cx", "no-image")


def test_a_start_that_takes_too_long_fails_with_what_held_it_up(kubectl: Kubectl) -> None:
    """By a node that is missed: a kubelet tells of a pull that failed some 10 s later."""
    nowhere = {"spec": {"nodeSelector": {"disk": "none-such"}}}
    late = an_execution("late", command=["true"], podTemplate=nowhere, startDeadlineSeconds=5)
    kubectl.apply(late)
    status = kubectl.wait("late", "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "StartDeadlineExceeded")
    assert "Unschedulable" in status["message"]


def test_a_program_that_does_not_exist_is_named(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("no-program", command=["no-such-program", "--flag"]))
    status = kubectl.wait("no-program", "Finished")["status"]
    assert status["phase"] == "Failed"
    assert "no-such-program" in status["message"]


def test_what_an_execution_is_cannot_change_once_it_has_been_let_go(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("fixed", command=["sleep", "600"]))
    patch = '{"spec":{"command":["echo"]}}'
    done = kubectl.run("patch", "cx", "fixed", "--type", "merge", "-p", patch)
    assert done.returncode != 0
    assert "spec.command cannot change once the execution has been let go" in done.stderr
    kubectl("delete", "cx", "fixed")
