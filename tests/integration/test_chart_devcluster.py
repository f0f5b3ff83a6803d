"""devcluster takes every object of the chart, by a server-side dry run, with all example values."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from manifests import golden
from manifests.chart import DEFAULTS, NAMESPACE, documents, hooks
from support.devcluster_process import devcluster_process
from support.kubectl import Kubectl, Object
from support.kubectl import documents as in_a_row

EXAMPLES = {"default": DEFAULTS, **golden.values_files()}
MONITORING = "monitoring.coreos.com"


def a_crd_of_the_prometheus_operator(kind: str) -> Object:
    singular = kind.lower()
    names = {"kind": kind, "plural": f"{singular}s", "singular": singular}
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{singular}s.{MONITORING}"},
        "spec": {
            "group": MONITORING,
            "scope": "Namespaced",
            "names": names,
            "versions": [{**version, "schema": {"openAPIV3Schema": schema}}],
        },
    }


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    home = tmp_path_factory.mktemp("chart")
    kubectl = Kubectl(home / "kubeconfig", home)
    with devcluster_process(home / "kubeconfig"):
        for name in (NAMESPACE, "team-a", "team-b", "monitoring"):
            kubectl("create", "namespace", name)
        # The account of a pod must be there: a dry run keeps none.
        kubectl("create", "serviceaccount", "ccx-test", "-n", NAMESPACE)
        kubectl.apply(*map(a_crd_of_the_prometheus_operator, ("PodMonitor", "PrometheusRule")))
        for kind in ("podmonitor", "prometheusrule"):
            kubectl("wait", f"crd/{kind}s.{MONITORING}", "--for=condition=Established")
        yield kubectl


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_object_is_accepted_and_none_is_kept(kubectl: Kubectl, name: str) -> None:
    wanted: list[dict[str, Any]] = [*documents(EXAMPLES[name]), *hooks(EXAMPLES[name])]
    told = kubectl("apply", "--dry-run=server", "-f", "-", stdin=in_a_row(*wanted))
    accepted = [line for line in told.splitlines() if line.endswith(" (server dry run)")]
    assert len(accepted) == len(wanted)
    assert json.loads(kubectl("get", "deployments,roles", "-A", "-o", "json"))["items"] == []


def test_the_installation_of_the_chart_serves_executions(kubectl: Kubectl) -> None:
    kubectl("apply", "--server-side", "-f", "-", stdin=in_a_row(*documents()))
    kubectl("wait", "crd/claudeexecutions.cc-executor.dev", "--for=condition=Established")
    kubectl("apply", "--dry-run=server", "-f", "examples/hello.yaml")
    found = json.loads(kubectl("get", "deployments", "-n", NAMESPACE, "-o", "json"))["items"]
    assert {item["metadata"]["name"] for item in found} == {"ccx-operator", "ccx-gateway"}
