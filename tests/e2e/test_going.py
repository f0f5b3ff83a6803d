"""Nothing is held for ever: a namespace is deleted, or the operator is gone for good."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.kubectl import Kubectl, an_execution
from support.under_test.cluster import RESTRICTED, ClusterUnderTest, a_namespace
from support.under_test.operators import Operator
from support.under_test.processes import Processes
from support.waiting import eventually

LOOP = 'trap "sleep 1; exit 0" TERM; while :; do echo tick; sleep 0.1; done'


@pytest.fixture
def elsewhere(cluster: ClusterUnderTest) -> Iterator[Kubectl]:
    """A namespace of the test's own."""
    with a_namespace(cluster.kubectl, **RESTRICTED) as inside:
        yield inside


def release(kubectl: Kubectl) -> None:
    program = str(Path(sys.executable).parent / "ccx-operator")
    environment = {**os.environ, "KUBECONFIG": str(kubectl.kubeconfig)}
    argv = [program, "--release-finalizers", "--namespace", str(kubectl.namespace)]
    subprocess.run(argv, env=environment, timeout=60, check=True)


def delete_namespace(kubectl: Kubectl) -> None:
    assert kubectl.namespace is not None
    kubectl("delete", "namespace", kubectl.namespace, "--ignore-not-found", "--timeout=90s")


def test_a_namespace_goes_with_executions_of_every_kind_in_it(
    elsewhere: Kubectl, processes: Processes
) -> None:
    for name in ("runs", "paused"):
        elsewhere.apply(an_execution(name, command=["sh", "-c", LOOP]))
    elsewhere.apply(an_execution("over", command=["true"]))
    elsewhere.apply(an_execution("held", command=["true"], suspend=True))
    elsewhere.wait("over", "Succeeded")
    trees = [processes.of(elsewhere.wait(name, "Running")) for name in ("runs", "paused")]
    elsewhere.wish("paused", "Paused")
    elsewhere.wait("paused", "Paused")
    delete_namespace(elsewhere)
    for tree in trees:
        eventually(lambda tree=tree: not tree.left(), what="no process is left")  # type: ignore[misc]


def test_without_an_operator_the_finalizers_can_be_let_go(
    operator: Operator, elsewhere: Kubectl, processes: Processes
) -> None:
    elsewhere.apply(an_execution("left", command=["sh", "-c", LOOP]))
    tree = processes.of(elsewhere.wait("left", "Running"))
    operator.kill()
    try:
        elsewhere("delete", "namespace", str(elsewhere.namespace), "--wait=false")
        eventually(lambda: not tree.left(), what="its pod has ended it")
        assert elsewhere.execution("left")["metadata"]["finalizers"]
        release(elsewhere)
        delete_namespace(elsewhere)
    finally:
        operator.start()
