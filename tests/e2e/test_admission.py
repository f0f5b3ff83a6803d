"""What the API server says of the pod: taken names, quotas, Pod Security, wrong templates."""

import json
from typing import Any

from support.kubectl import Kubectl, Object, an_execution


def in_namespace(kubectl: Kubectl, namespace: str, *objects: Object, **labels: str) -> None:
    """A namespace of its own, with the objects in it."""
    metadata = {"name": namespace, "labels": labels}
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    for thing in objects:
        thing["metadata"]["namespace"] = namespace
    kubectl.apply(*objects)


def reaches(kubectl: Kubectl, namespace: str, name: str, reason: str) -> Object:
    """The status once it has that reason."""
    wanted = f"--for=jsonpath={{.status.reason}}={reason}"
    kubectl("wait", "-n", namespace, f"cx/{name}", wanted, "--timeout=30s")
    found = json.loads(kubectl("get", "-n", namespace, "cx", name, "-o", "json"))
    status: dict[str, Any] = found["status"]
    return status


def test_its_pods_meet_pod_security_restricted(kubectl: Kubectl) -> None:
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    in_namespace(kubectl, "strict", an_execution("meets-it", command=["true"]), **level)
    assert reaches(kubectl, "strict", "meets-it", "Completed")["phase"] == "Succeeded"


def test_a_pod_that_pod_security_refuses_is_told_in_the_servers_words(kubectl: Kubectl) -> None:
    sidecar = {"spec": {"containers": [{"name": "side", "image": "side"}]}}
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    refused = an_execution("breaks-it", command=["true"], podTemplate=sidecar)
    in_namespace(kubectl, "stricter", refused, **level)
    status = reaches(kubectl, "stricter", "breaks-it", "PodRejected")
    assert status["phase"] == "Failed"
    assert 'violates PodSecurity "restricted:latest"' in status["message"]
    assert '"side"' in status["message"]


def test_a_template_of_a_wrong_type_disturbs_nobody_else(kubectl: Kubectl) -> None:
    wrong = an_execution("wrong", command=["true"], podTemplate={"spec": {"nodeSelector": 5}})
    kubectl.apply(wrong, an_execution("beside-it", command=["true"]))
    status = kubectl.wait("wrong", "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "PodRejected")
    assert "nodeSelector" in status["message"]
    kubectl.wait("beside-it", "Succeeded")


def test_an_exceeded_quota_queues_and_is_tried_again(kubectl: Kubectl) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none-for-now"},
        "spec": {"hard": {"pods": "0"}},
    }
    in_namespace(kubectl, "full", quota)
    in_namespace(kubectl, "full", an_execution("waits", command=["true"]))
    status = reaches(kubectl, "full", "waits", "QuotaExceeded")
    assert status["phase"] == "Queued"
    assert "none-for-now" in status["message"]
    kubectl("delete", "-n", "full", "resourcequota", "none-for-now")
    assert reaches(kubectl, "full", "waits", "Completed")["phase"] == "Succeeded"


def test_a_pod_of_somebody_else_is_not_taken_over(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("taken", command=["true"], suspend=True))
    uid = kubectl.execution("taken")["metadata"]["uid"]
    name = f"cx-taken-{uid[:8]}-1"
    container = {"name": "other", "image": "other", "command": ["sleep", "600"]}
    other = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}}
    kubectl.apply({**other, "spec": {"containers": [container]}})
    kubectl("patch", "cx", "taken", "--type", "merge", "-p", '{"spec":{"suspend":false}}')
    status = kubectl.wait("taken", "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "PodNameTaken")
    assert name in status["message"]
    kubectl("delete", "pod", name, "--grace-period=1")
