"""What was used stays known when the executions are gone."""

import pytest

from support.kubectl import Kubectl, a_prompt, an_execution
from support.usage import ends_of, let_go, usage
from support.waiting import eventually


@pytest.fixture(autouse=True)
def _nothing_else_ends(kubectl: Kubectl) -> None:
    """What another test has left behind is being deleted, and would be counted, too."""
    eventually(lambda: not kubectl("get", "cx", "-o", "name"), what="all others have gone")


def no_model(kubectl: Kubectl, end: str) -> int:
    return int(usage(kubectl).get("no model", {}).get(end, 0))


def test_every_end_is_counted_once_and_survives_the_deletion(kubectl: Kubectl) -> None:
    ends = {"succeeded": ["true"], "failed": ["false"], "cancelled": ["sleep", "600"]}
    before = {end: no_model(kubectl, end) for end in ends}
    for end, command in ends.items():
        kubectl.apply(an_execution(f"used-{end}", command=command))
    kubectl.wait("used-cancelled", "Running")
    kubectl.wish("used-cancelled", "Cancelled")
    names = [f"used-{end}" for end in ends]
    for name in names:
        kubectl.wait(name, "Finished")
    let_go(kubectl, *names)
    kubectl("delete", "cx", *names)
    assert {end: no_model(kubectl, end) for end in ends} == {e: n + 1 for e, n in before.items()}


def test_many_that_end_at_once_and_expire_at_once_are_all_counted(kubectl: Kubectl) -> None:
    before, names = ends_of(kubectl), [f"many-{n}" for n in range(8)]
    kubectl.apply(*(an_execution(n, command=["true"], ttlSecondsAfterFinished=0) for n in names))
    for name in names:
        kubectl("wait", f"cx/{name}", "--for=delete", "--timeout=90s")
    assert ends_of(kubectl) == before + len(names)


def test_a_running_execution_that_is_deleted_is_counted_as_cancelled(kubectl: Kubectl) -> None:
    before = no_model(kubectl, "cancelled")
    kubectl.apply(an_execution("cut", command=["sleep", "600"], terminationGracePeriodSeconds=1))
    kubectl.wait("cut", "Running")
    kubectl("delete", "cx", "cut", "--timeout=90s")
    assert no_model(kubectl, "cancelled") == before + 1


def test_tokens_and_cost_are_those_of_the_status_by_model(kubectl: Kubectl, claude: str) -> None:
    kubectl.apply(a_prompt("priced", "Say hello"))
    status = kubectl.wait("priced", "Succeeded")["status"]
    let_go(kubectl, "priced")
    found = usage(kubectl)[status["session"]["model"]]
    assert found["outputTokens"] >= status["usage"]["outputTokens"] > 0
    assert found["costUSD"] >= float(status["usage"]["costUSD"]) > 0


def test_a_person_can_read_it(kubectl: Kubectl) -> None:
    kubectl.apply(an_execution("read", command=["true"]))
    kubectl.wait("read", "Finished")
    let_go(kubectl, "read")
    lines = kubectl("get", "configmap", "cc-executor-usage", "-o", "yaml").splitlines()
    assert "    no model:" in lines
    assert any(line.startswith("      succeeded: ") for line in lines)
