"""A copy of an execution that has run, as `kubectl get -o yaml` or a backup makes it."""

from typing import Any

from support.kubectl import Kubectl, an_execution

STRIPPED = ("uid", "resourceVersion", "generation", "creationTimestamp", "managedFields")
"""As Velero does, and whoever applies the output of `kubectl get`. All else is kept."""


def backed_up(kubectl: Kubectl, name: str) -> dict[str, Any]:
    copy = kubectl.execution(name)
    for field in STRIPPED:
        copy["metadata"].pop(field, None)
    return copy


def test_a_restored_execution_runs_only_when_somebody_lets_it(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("once", command=["sleep", "600"], terminationGracePeriodSeconds=0))
    kubectl.wait("once", "Running")
    copy = backed_up(kubectl, "once")
    assert copy["metadata"]["finalizers"]
    kubectl("delete", "cx", "once")
    kubectl.apply(copy)
    status = kubectl.reaches("once", "Restored")
    assert (status["phase"], "podName" in status) == ("Queued", False)
    assert "annotate cx once cc-executor.dev/started-as-" in status["message"]
    kubectl("annotate", "cx", "once", "cc-executor.dev/started-as-")
    kubectl.wait("once", "Running")


def test_a_restored_execution_can_be_deleted(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("copied", command=["true"]))
    kubectl.wait("copied", "Finished")
    copy = backed_up(kubectl, "copied")
    copy["metadata"]["name"] = "copy"
    kubectl.apply(copy)
    kubectl.reaches("copy", "Restored")
    kubectl("delete", "cx", "copy", "--timeout=90s")
