"""What the API server says of the pod: taken names, quotas, Pod Security, wrong templates."""

from support.kubectl import Kubectl, a_pod_of_somebody, an_execution
from support.under_test.cluster import RESTRICTED, ClusterUnderTest, a_namespace


def test_its_pods_meet_pod_security_restricted(kubectl: Kubectl) -> None:
    """Which the namespace of this run enforces."""
    labels = kubectl.get("namespace", str(kubectl.namespace))["metadata"]["labels"]
    assert RESTRICTED.items() <= labels.items()
    kubectl.apply(an_execution("meets-it", command=["true"]))
    assert kubectl.reaches("meets-it", "Completed")["phase"] == "Succeeded"


def test_a_pod_that_pod_security_refuses_is_told_in_the_servers_words(kubectl: Kubectl) -> None:
    sidecar = {"spec": {"containers": [{"name": "side", "image": "side"}]}}
    kubectl.apply(an_execution("breaks-it", command=["true"], podTemplate=sidecar))
    status = kubectl.reaches("breaks-it", "PodRejected")
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
    with a_namespace(kubectl, **RESTRICTED) as full:
        full.apply(quota)
        full.apply(an_execution("waits", command=["true"]))
        status = full.reaches("waits", "QuotaExceeded")
        assert status["phase"] == "Queued"
        assert "none-for-now" in status["message"]
        full("delete", "resourcequota", "none-for-now")
        assert full.reaches("waits", "Completed")["phase"] == "Succeeded"


def test_a_pod_of_somebody_else_is_not_taken_over(
    kubectl: Kubectl, cluster: ClusterUnderTest
) -> None:
    kubectl.apply(an_execution("taken", command=["true"], suspend=True))
    uid = kubectl.execution("taken")["metadata"]["uid"]
    name = f"cx-taken-{uid[:8]}-1"
    kubectl.apply(a_pod_of_somebody(name, cluster.image))
    kubectl("patch", "cx", "taken", "--type", "merge", "-p", '{"spec":{"suspend":false}}')
    status = kubectl.wait("taken", "Finished")["status"]
    assert (status["phase"], status["reason"]) == ("Failed", "PodNameTaken")
    assert name in status["message"]
    kubectl("delete", "pod", name, "--grace-period=1")
