"""spec.ttlSecondsAfterFinished, as its user sees it."""

import json

from support.kubectl import Kubectl, an_execution
from support.under_test.operators import Operator
from support.waiting import eventually


def patch(kubectl: Kubectl, name: str, seconds: int | None) -> None:
    body = json.dumps({"spec": {"ttlSecondsAfterFinished": seconds}})
    kubectl("patch", "cx", name, "--type", "merge", "-p", body)


def is_gone(kubectl: Kubectl, *names: str) -> None:
    for name in names:
        kubectl("wait", f"cx/{name}", "--for=delete", "--timeout=90s")


def test_what_has_no_time_to_live_after_its_end_goes_at_once_and_its_pod_with_it(
    kubectl: Kubectl,
) -> None:
    kubectl.apply(an_execution("at-once", command=["true"], ttlSecondsAfterFinished=0))
    is_gone(kubectl, "at-once")
    chosen = ("-l", "cc-executor.dev/execution=at-once", "-o", "name")
    eventually(lambda: not kubectl("get", "pods", *chosen), what="its pod is gone")


def test_a_time_to_live_may_be_set_changed_and_taken_back_after_the_end(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("kept", command=["true"], ttlSecondsAfterFinished=3600))
    kubectl.apply(an_execution("set-later", command=["true"]))
    for name in ("kept", "set-later"):
        kubectl.wait(name, "Finished")
    patch(kubectl, "set-later", 1)
    is_gone(kubectl, "set-later")
    patch(kubectl, "kept", None)
    assert kubectl.execution("kept")["status"]["phase"] == "Succeeded"
    patch(kubectl, "kept", 0)
    is_gone(kubectl, "kept")


def test_what_is_overdue_when_the_operator_comes_back_goes_then(
    operator: Operator, kubectl: Kubectl
) -> None:
    names = ("late-1", "late-2")
    for name in names:
        kubectl.apply(an_execution(name, command=["true"], ttlSecondsAfterFinished=3600))
        kubectl.wait(name, "Finished")
    finalizers = "jsonpath={.metadata.finalizers}"
    eventually(
        lambda: not any(kubectl("get", "cx", name, "-o", finalizers) for name in names),
        what="the finalizers are gone",
    )
    operator.kill()
    try:
        for name in names:
            patch(kubectl, name, 1)
    finally:
        operator.start()
    is_gone(kubectl, *names)
