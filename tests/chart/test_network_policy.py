"""The chart's NetworkPolicies where a CNI enforces them, as kind's does: what executions reach."""

import os

import pytest

from manifests.helm import Release
from support.kubectl import Kubectl, an_execution

ENFORCED = "CCX_CHART_POLICIES_ENFORCED"
"""Set where the CNI is known to enforce them: there it must not be skipped."""

CONNECT = (
    "import os, socket; "
    "socket.create_connection((os.environ['KUBERNETES_SERVICE_HOST'], 443), timeout=5)"
)
"""To the API server: an address that each pod is told, in a private range."""

DENY_ALL = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "deny-all"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
}


def reaches_the_api_server(kubectl: Kubectl, name: str) -> bool:
    kubectl.apply(an_execution(name, command=["python3", "-c", CONNECT]))
    status = kubectl.wait(name, "Finished", seconds=90)["status"]
    assert status["reason"] in ("Completed", "ExitCode"), status
    return bool(status["phase"] == "Succeeded")


@pytest.mark.timeout(600)
def test_executions_reach_no_private_address_and_the_components_still_work(
    release: Release, kubectl: Kubectl
) -> None:
    assert reaches_the_api_server(kubectl, "open")
    kubectl.apply(DENY_ALL)
    if reaches_the_api_server(kubectl, "probe"):
        assert not os.environ.get(ENFORCED), "a policy that denies all is not enforced here"
        pytest.skip("the CNI of this cluster enforces no NetworkPolicy")
    kubectl("delete", "networkpolicy", "deny-all")
    assert reaches_the_api_server(kubectl, "open-again")

    executions = {"namespaces": [kubectl.namespace]}
    release.install({"networkPolicy": {"enabled": True, "executions": executions}})

    assert not reaches_the_api_server(kubectl, "closed")
    assert "it works" in release.test()
