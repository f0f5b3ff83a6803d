"""The life of a release: tested, upgraded while an execution runs, removed, and installed again."""

import json
import shutil
from pathlib import Path
from typing import Any

import yaml

from ccx_api.names import FINALIZER
from manifests import golden
from manifests.chart import CHART, NAMESPACE, documents, hooks
from manifests.helm import Release
from support.kubectl import Kubectl, an_execution
from support.kubectl import documents as in_a_row
from support.under_test.cluster import RESTRICTED, a_namespace
from support.waiting import eventually

CRD = "claudeexecutions.cc-executor.dev"
START_SECONDS = 60
OURS = "app.kubernetes.io/instance=cc-executor"
KINDS = (
    "deployments,services,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,"
    "poddisruptionbudgets,configmaps,jobs,pods,"
    "validatingadmissionpolicies,validatingadmissionpolicybindings"
)
NAMESPACES = ("team-a", "team-b", "monitoring")
"""Of the examples."""

NOT_OF_THIS_CLUSTER = {"monitoring.coreos.com/v1"}


def a_chart_with_another_field(directory: Path) -> Path:
    """As the next release could be: spec.note is new."""
    chart = directory / "chart"
    shutil.copytree(CHART, chart)  # follows the link to the CRD
    path = chart / "files/claudeexecutions.yaml"
    crd = yaml.safe_load(path.read_text(encoding="utf-8"))
    fields_of(crd)["note"] = {"type": "string"}
    path.write_text(yaml.safe_dump(crd, sort_keys=False), encoding="utf-8")
    return chart


def fields_of(crd: dict[str, Any]) -> dict[str, Any]:
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    found: dict[str, Any] = schema["properties"]["spec"]["properties"]
    return found


def left_of_the_release(kubectl: Kubectl) -> list[str]:
    told = kubectl("get", KINDS, "-A", "-l", OURS, "-o", "name", "--ignore-not-found")
    return told.split()


def test_every_object_is_accepted_with_every_example_of_values(
    release: Release, everywhere: Kubectl
) -> None:
    """By a server-side dry run: schemas, CEL of the policies, quantities, selectors."""
    for namespace in NAMESPACES:
        everywhere("create", "namespace", namespace)
    try:
        for values in golden.values_files().values():
            wanted = [
                manifest
                for manifest in (*documents(values), *hooks(values))
                if manifest["apiVersion"] not in NOT_OF_THIS_CLUSTER and manifest["kind"] != "Pod"
            ]
            told = everywhere(
                *("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-"),
                stdin=in_a_row(*wanted),
            )
            assert len(told.splitlines()) == len(wanted)
    finally:
        everywhere("delete", "namespace", *NAMESPACES, "--wait=false")


def test_helm_test_runs_an_execution(release: Release, everywhere: Kubectl) -> None:
    assert "it works" in release.test()
    ours = everywhere.within(NAMESPACE)
    eventually(lambda: not ours("get", "cx", "-o", "name"), what="the execution of the test goes")


def test_an_upgrade_changes_the_crd_while_an_execution_runs(
    release: Release, kubectl: Kubectl, tmp_path: Path
) -> None:
    kubectl.apply(an_execution("before", command=["sleep", "600"]))
    before = kubectl.wait("before", "Running", seconds=START_SECONDS)
    assert "note" not in fields_of(kubectl.get("crd", CRD))

    rolled = {"podAnnotations": {"upgraded": "yes"}}
    chart = a_chart_with_another_field(tmp_path)
    release.install({"operator": rolled, "gateway": rolled}, chart)

    assert "note" in fields_of(kubectl.get("crd", CRD))
    kubectl.apply(an_execution("after", command=["true"], note="new"))
    after = kubectl.wait("after", "Finished", seconds=START_SECONDS)
    assert (after["status"]["phase"], after["spec"]["note"]) == ("Succeeded", "new")
    still = kubectl.execution("before")
    assert still["status"]["podUID"] == before["status"]["podUID"]
    kubectl.wish("before", "Paused")
    kubectl.wait("before", "Paused")
    kubectl.wish("before", "Cancelled")
    ended = kubectl.wait("before", "Finished")
    assert ended["status"]["reason"] == "CancelledByUser"


def test_with_namespaces_named_executions_run_there_and_nowhere_else(
    release: Release, everywhere: Kubectl, kubectl: Kubectl
) -> None:
    with a_namespace(everywhere, **RESTRICTED) as elsewhere:
        release.install({"watchNamespaces": [kubectl.namespace]})
        elsewhere.apply(an_execution("there", command=["true"]))
        assert "it works" in release.test()
        kubectl.apply(an_execution("here", command=["true"]))
        here = kubectl.wait("here", "Finished", seconds=START_SECONDS)
        assert here["status"]["phase"] == "Succeeded"
        assert "status" not in elsewhere.execution("there")


def test_an_uninstallation_leaves_executions_which_then_go_without_an_operator(
    release: Release, everywhere: Kubectl, kubectl: Kubectl
) -> None:
    kubectl.apply(an_execution("left", command=["sleep", "600"]))
    running = kubectl.wait("left", "Running", seconds=START_SECONDS)
    assert FINALIZER in running["metadata"]["finalizers"]

    release.uninstall()

    assert left_of_the_release(everywhere) == []
    left = kubectl.execution("left")
    assert "finalizers" not in left["metadata"]
    pod = kubectl.get("pod", left["status"]["podName"])
    assert pod["status"]["phase"] == "Running"
    kubectl("delete", "cx", "left", "--timeout=30s")
    eventually(
        lambda: not json.loads(kubectl("get", "pods", "-o", "json"))["items"],
        seconds=60,
        what="the pod goes with its execution",
    )
    # That its namespace goes too is looked at behind the test: see a_namespace().


def test_what_was_left_is_run_on_by_the_next_installation(
    release: Release, kubectl: Kubectl
) -> None:
    kubectl.apply(an_execution("kept", command=["sleep", "600"]))
    kubectl.wait("kept", "Running", seconds=START_SECONDS)
    release.uninstall()
    kubectl.wish("kept", "Cancelled")
    release.install()
    kept = kubectl.wait("kept", "Finished", seconds=START_SECONDS)
    assert kept["status"]["reason"] == "CancelledByUser"
