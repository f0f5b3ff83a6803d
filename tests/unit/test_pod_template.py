from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_operator.pod_spec import Images, pod_body
from ccx_operator.pod_template import AGENT_MAY, template_refusal
from support.reconciling import an_execution


def said_of(template: Any) -> str:
    return template_refusal(template)


def a_container(name: str = "agent", **fields: Any) -> dict[str, Any]:
    return {"containers": [{"name": name, **fields}]}


def mounted(path: str, *, volume: str = "v") -> dict[str, Any]:
    return a_container(volumeMounts=[{"name": volume, "mountPath": path}])


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"containers": [{"name": f"c{n}", "image": "x"} for n in range(9)]}, "containers"),
        ({"hostNetwork": True}, "hostNetwork"),
        ({"hostPID": True}, "hostPID"),
        ({"hostIPC": True}, "hostIPC"),
        ({"shareProcessNamespace": True}, "shareProcessNamespace"),
        ({"restartPolicy": "Always"}, "restartPolicy"),
        ({"automountServiceAccountToken": True}, "automountServiceAccountToken"),
        ({"terminationGracePeriodSeconds": 5}, "terminationGracePeriodSeconds"),
        ({"activeDeadlineSeconds": 5}, "activeDeadlineSeconds"),
        ({"securityContext": {"runAsUser": 0}}, "securityContext.runAsUser"),
        ({"securityContext": {"fsGroup": 5}}, "securityContext.fsGroup"),
        (
            {"securityContext": {"seccompProfile": {"type": "Unconfined"}}},
            "securityContext.seccompProfile.type",
        ),
        ({"volumes": [{"name": "v"}, {"name": "w", "hostPath": {}}]}, "volumes[1].hostPath"),
        ({"volumes": [{"name": "ccx-run"}]}, "volumes[0].name"),
        (
            {"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {}}]}}]},
            "volumes[0].projected.sources[0].serviceAccountToken",
        ),
        (a_container(command=["sh"]), "containers[0].command"),
        (a_container(args=["x"]), "containers[0].args"),
        (a_container(image="x"), "containers[0].image"),
        (a_container(lifecycle={"preStop": {}}), "containers[0].lifecycle"),
        (a_container(livenessProbe={}), "containers[0].livenessProbe"),
        (a_container(terminationMessagePath="/x"), "containers[0].terminationMessagePath"),
        (a_container(env=[{"name": "CCX_RUN_DIR"}]), "containers[0].env[0].name"),
        (a_container(envFrom=[{"prefix": "CCX_"}]), "containers[0].envFrom[0].prefix"),
        (
            a_container(securityContext={"readOnlyRootFilesystem": False}),
            "containers[0].securityContext.readOnlyRootFilesystem",
        ),
        (
            a_container(securityContext={"privileged": True}),
            "containers[0].securityContext.privileged",
        ),
        (
            a_container("s", securityContext={"runAsUser": 1}),
            "containers[0].securityContext.runAsUser",
        ),
        (
            a_container("s", securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}),
            "containers[0].securityContext.capabilities.add",
        ),
        (a_container("s", ports=[{"hostPort": 80}]), "containers[0].ports[0].hostPort"),
        (
            a_container("s", volumeMounts=[{"name": "ccx-run", "mountPath": "/x"}]),
            "containers[0].volumeMounts[0].name",
        ),
        (mounted("/run/ccx"), "containers[0].volumeMounts[0].mountPath"),
        (mounted("//run/./ccx/spool"), "containers[0].volumeMounts[0].mountPath"),
        (mounted("/ccx/"), "containers[0].volumeMounts[0].mountPath"),
        (a_container("runner"), "containers[0].name"),
        ({"initContainers": [{"name": "agent"}]}, "initContainers[0].name"),
        (a_container(resources="lots"), "containers[0].resources"),
        (a_container(resources={"limits": [1]}), "containers[0].resources.limits"),
        (a_container(env=[{"value": "x"}]), "containers[0].env[0].name"),
        (mounted(5), "containers[0].volumeMounts[0].mountPath"),  # type: ignore[arg-type]
        ({"securityContext": {"windowsOptions": {}}}, "securityContext.windowsOptions"),
        ({"initContainers": [{"name": "runner"}]}, "initContainers[0].name"),
        ({"containers": "x"}, "containers"),
        ({"containers": ["x"]}, "containers[0]"),
        ({"securityContext": "x"}, "securityContext"),
    ],
)
def test_a_refusal_begins_with_the_fields_path_and_says_what_is_right(
    spec: dict[str, Any], path: str
) -> None:
    said = said_of({"spec": spec})
    assert said.startswith(f"spec.podTemplate.spec.{path}: ")
    assert len(said.split(": ", 1)[1]) > 10


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ({"metadata": {"name": "x"}}, "spec.podTemplate.metadata.name"),
        ({"metadata": {"labels": {"a": 1}}}, "spec.podTemplate.metadata.labels[a]"),
        ({"containers": []}, "spec.podTemplate.containers"),
        ({"spec": []}, "spec.podTemplate.spec"),
    ],
)
def test_so_does_one_of_the_templates_shape(template: dict[str, Any], path: str) -> None:
    assert said_of(template).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"hostNetwork": False, "restartPolicy": "Never", "securityContext": {"runAsUser": 10001}},
        {"nodeSelector": {"a": "b"}, "tolerations": [], "imagePullSecrets": [{"name": "x"}]},
        a_container("sidecar", command=["x"], lifecycle={}, image="y"),
        mounted("/workspace"),
        mounted("/run"),
        a_container(env=[{"name": "A"}], resources={}, imagePullPolicy="Always"),
        {"containers": None, "volumes": None},
        {"hostNetwork": None, "securityContext": {"runAsUser": None}},
        {"initContainers": [{"name": "clone", "command": ["x"]}]},
        a_container("s", volumeMounts=[{"name": "v", "mountPath": "/run/ccx"}]),
    ],
)
def test_what_is_not_refused(spec: dict[str, Any]) -> None:
    assert said_of({"metadata": {"labels": {"a": "b"}}, "spec": spec}) == ""


words = st.sampled_from(["name", "mountPath", "limits", "requests", "value", "prefix"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
agent_fields = st.dictionaries(st.sampled_from(sorted(AGENT_MAY)), json_values, max_size=3)
pod_fields = st.dictionaries(st.sampled_from(["containers", "volumes", "tolerations"]), json_values)


@given(agent_fields, pod_fields)
def test_a_template_of_any_shape_is_refused_or_makes_a_pod(
    agent: dict[str, Any], pod: dict[str, Any]
) -> None:
    template = {"spec": {"containers": [{**agent, "name": "agent"}], **pod}}
    execution = an_execution(podTemplate=template)
    assert said_of(template) or pod_body(execution, Images("runtime", "runner"))


@pytest.mark.parametrize(
    ("spec", "right"),
    [
        ({"hostNetwork": True}, "must be false: "),
        ({"securityContext": {"runAsUser": 0}}, "must be 10001: "),
        ({"restartPolicy": "Always"}, "must be Never: "),
    ],
)
def test_what_would_be_right_is_written_as_in_yaml(spec: dict[str, Any], right: str) -> None:
    assert right in said_of({"spec": spec})


def test_an_init_container_of_the_agents_name_is_refused_for_that_alone() -> None:
    said = said_of({"spec": {"initContainers": [{"name": "agent", "command": ["x"]}]}})
    assert said.startswith("spec.podTemplate.spec.initContainers[0].name: agent is taken")
