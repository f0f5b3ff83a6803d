"""The cluster under test: a namespace for this run, and all that can be done there.

System -> namespace, credentials, probe -> ClusterUnderTest -> a table of its abilities
"""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ccx_dev.stack import CREDENTIALS, Stack
from support.kubectl import Kubectl, Object
from support.under_test.ability import Ability, table
from support.under_test.components import Components, find_components
from support.under_test.devcluster_tools import Faults, find_faults
from support.under_test.operators import Operator, Standby
from support.under_test.probe import Probe, running_probe
from support.under_test.processes import Processes, find_processes
from support.under_test.systems import System, Way
from support.waiting import eventually

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
GONE_SECONDS = 120


DEFAULT_CLASS: Final = "storageclass.kubernetes.io/is-default-class"


@dataclass(frozen=True, slots=True)
class ClusterUnderTest:
    told: str
    kubectl: Kubectl
    """In the namespace of this run."""

    image: str
    """That pods can be made of here."""

    stack: Ability[Stack]
    operator: Ability[Operator]
    standby: Ability[Standby]
    gateway: Ability[Way]
    processes: Ability[Processes]
    claude: Ability[str]
    containers: Ability[int]
    claims: Ability[str]
    faults: Ability[Faults]
    components: Ability[Components]
    accounts: Ability[tuple[str, ...]]

    def lines(self) -> list[str]:
        """For people: what the tests run against, and what they can and cannot do there."""
        abilities: dict[str, Ability[object]] = {
            "operator": self.operator,
            "standby": self.standby,
            "gateway": self.gateway,
            "processes": self.processes,
            "claude": self.claude,
            "containers": self.containers,
            "claims": self.claims,
            "faults": self.faults,
            "restarts": self.components,
            "accounts": self.accounts,
            "local stack": self.stack,
        }
        return [f"e2e on {self.told}, namespace {self.kubectl.namespace}", *table(abilities)]


@contextmanager
def cluster_under_test(system: System, home: Path) -> Iterator[ClusterUnderTest]:
    everywhere = Kubectl(system.kubeconfig, home)
    with a_namespace(everywhere, **RESTRICTED) as kubectl:
        with running_probe(kubectl) as probe:
            found = _look_around(system, kubectl, probe)
        yield found


def _look_around(system: System, kubectl: Kubectl, probe: Probe) -> ClusterUnderTest:
    return ClusterUnderTest(
        told=system.told,
        kubectl=kubectl,
        image=probe.image,
        stack=system.stack,
        operator=system.operator,
        standby=system.standby,
        gateway=system.gateway,
        processes=find_processes(kubectl, probe.execution, probe.mark),
        claude=_claude(system, probe, kubectl),
        containers=probe.containers,
        claims=_claims(system, kubectl),
        faults=find_faults(kubectl),
        components=find_components(),
        accounts=system.accounts,
    )


@contextmanager
def a_namespace(kubectl: Kubectl, **labels: str) -> Iterator[Kubectl]:
    """With a name of its own, so that two runs do not meet. It is gone at the end."""
    name = f"ccx-e2e-{secrets.token_hex(4)}"
    metadata = {"name": name, "labels": labels}
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    inside = kubectl.within(name)
    try:
        eventually(lambda: has_account(inside), what=f"{name} has its service account")
        yield inside
    finally:
        kubectl.run("delete", "namespace", name, "--wait=false")
        gone = kubectl.run(
            *("wait", f"namespace/{name}", "--for=delete", f"--timeout={GONE_SECONDS}s"),
            seconds=GONE_SECONDS + 30,
        )
    assert gone.returncode == 0, f"the namespace {name} is still there: {gone.stderr}"


def has_account(kubectl: Kubectl) -> bool:
    """Without it, a pod is refused."""
    return kubectl.run("get", "serviceaccount", "default").returncode == 0


def _claims(system: System, kubectl: Kubectl) -> Ability[str]:
    """Volumes that outlive a pod, made as they are asked for."""
    if system.stack.found is not None:
        return Ability("directories of the kubelet's", "local")
    found = json.loads(kubectl("get", "storageclasses", "-o", "json"))["items"]
    names = [
        metadata["name"]
        for metadata in (item["metadata"] for item in found)
        if (metadata.get("annotations") or {}).get(DEFAULT_CLASS) == "true"
    ]
    if not names:
        return Ability("no StorageClass is the default")
    return Ability(f"storage class {names[0]}", names[0])


def _claude(system: System, probe: Probe, kubectl: Kubectl) -> Ability[str]:
    """The CLI, and something for it to talk to."""
    if probe.claude.found is None:
        return probe.claude
    if system.credentials.found is None:
        return Ability(system.credentials.told)
    values = system.credentials.found(kubectl)
    kubectl.apply(_secret(values))
    return replace(probe.claude, told=f"{probe.claude.told}; {system.credentials.told}")


def _secret(values: dict[str, str]) -> Object:
    metadata = {"name": CREDENTIALS}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values}
