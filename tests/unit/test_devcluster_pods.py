from typing import Any

import pytest

from devcluster import pod_security, pod_shape, pods
from support.devcluster_objects import a_pod

SAFE = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def a_container(name: str = "main", **fields: Any) -> dict[str, Any]:
    return {"name": name, "image": "local/image:1", **fields}


def told(**spec: Any) -> list[str]:
    pod = a_pod(**spec)
    pods.set_defaults(pod)
    return [str(error) for error in pods.check(pod)]


def test_a_pod_gets_the_defaults_that_a_kubelet_reads() -> None:
    probe = {"httpGet": {"port": 80}}
    pod = a_pod(containers=[a_container(image="image", readinessProbe=probe)])
    pods.set_defaults(pod)
    spec, container = pod["spec"], pod["spec"]["containers"][0]
    assert spec["restartPolicy"] == "Always"
    assert spec["terminationGracePeriodSeconds"] == 30
    assert container["terminationMessagePath"] == "/dev/termination-log"
    assert container["imagePullPolicy"] == "Always"
    assert container["readinessProbe"]["periodSeconds"] == 10
    assert container["readinessProbe"]["httpGet"]["path"] == "/"


MISTAKES = [
    ({"containers": []}, "spec.containers: Required value"),
    ({"containers": [{"name": "a"}]}, "spec.containers[0].image: Required value"),
    (
        {"containers": [a_container("a"), a_container("a")]},
        'spec.containers[1].name: Duplicate value: "a"',
    ),
    (
        {"containers": [a_container(volumeMounts=[{"name": "v", "mountPath": "/x"}])]},
        'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ),
    (
        {"restartPolicy": "Sometimes"},
        'spec.restartPolicy: Unsupported value: "Sometimes": '
        'supported values: "Always", "OnFailure", "Never"',
    ),
    ({"volumes": [{"name": "v"}, {"name": "v"}]}, 'spec.volumes[1].name: Duplicate value: "v"'),
]


@pytest.mark.parametrize(("spec", "message"), MISTAKES)
def test_a_mistake_in_a_pod_is_named(spec: dict[str, Any], message: str) -> None:
    assert told(**spec) == [message]


def test_only_the_image_of_a_pod_may_change() -> None:
    old = a_pod()
    assert (
        pods.check_update(a_pod(containers=[{**old["spec"]["containers"][0], "image": "x"}]), old)
        == []
    )
    assert pods.check_update(a_pod(nodeSelector={"a": "b"}), old) != []


def test_a_pod_that_keeps_the_rules_violates_nothing() -> None:
    assert (
        pod_security.violations(a_pod(containers=[a_container(securityContext=SAFE)])["spec"]) == ""
    )


def test_everything_that_restricted_forbids_is_named_with_its_remedy() -> None:
    assert pod_security.violations(a_pod()["spec"]) == (
        'allowPrivilegeEscalation != false (container "main" must set '
        "securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "
        '"main" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or '
        'container "main" must set securityContext.runAsNonRoot=true), seccompProfile (pod or '
        'container "main" must set securityContext.seccompProfile.type to "RuntimeDefault" or '
        '"Localhost")'
    )


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"hostNetwork": True}, "host namespaces (hostNetwork=true)"),
        (
            {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]},
            'restricted volume types (volume "v" uses restricted volume type "hostPath")',
        ),
        ({"securityContext": {"runAsUser": 0}}, "runAsUser=0 (pod must not set runAsUser=0)"),
    ],
)
def test_the_host_is_out_of_bounds(spec: dict[str, Any], words: str) -> None:
    container = a_container(securityContext=SAFE)
    assert pod_security.violations(a_pod(containers=[container], **spec)["spec"]) == words


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"nodeSelector": 5}, "number into Go struct field Pod.spec.nodeSelector"),
        ({"nodeSelector": {"a": 5}}, "number into Go struct field Pod.spec.nodeSelector"),
        ({"containers": {}}, "object into Go struct field Pod.spec.containers"),
        ({"containers": ["x"]}, "string into Go struct field Pod.spec.containers"),
        (
            {"containers": [a_container(env=[{"name": "A", "value": True}])]},
            "bool into Go struct field Pod.spec.containers.env.value",
        ),
    ],
)
def test_a_field_of_a_wrong_type_is_refused_before_anything_reads_it(
    spec: dict[str, Any], told: str
) -> None:
    assert pod_shape.wrong_type({"spec": spec}) == f"json: cannot unmarshal {told}"


def test_a_pod_of_the_right_types_has_the_right_shape() -> None:
    assert pod_shape.wrong_type(a_pod(containers=[a_container(command=["x"])])) is None
