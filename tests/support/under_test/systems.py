"""The system under test: the local stack, or what is installed in the cluster of a kubeconfig.

CCX_E2E_KUBECONFIG unset   devcluster, operator and gateway as processes of this machine
CCX_E2E_KUBECONFIG=path    operator and gateway as Deployments (deploy/install.yaml)
"""

import base64
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from ccx_dev.stack import CREDENTIALS, Stack
from support.kubectl import Kubectl, Object
from support.under_test.ability import Ability
from support.under_test.gateways import SERVICE, port_forward
from support.under_test.messages_pod import messages_api_in_pod
from support.under_test.operators import (
    DEPLOYMENT,
    InstalledOperator,
    LocalOperator,
    Operator,
    Standby,
)

VARIABLE = "CCX_E2E_KUBECONFIG"
INSTALLED_IN = "cc-executor"
NOT_INSTALLED = f"no such Deployment in the namespace {INSTALLED_IN}: see deploy/install.yaml"

Way = Callable[[Path], AbstractContextManager[str]]
"""Opens a way to the gateway, with a directory for logs: the URL of its WebSocket."""

Credentials = Callable[[Kubectl], dict[str, str]]
"""What Claude Code in the pods of that namespace needs to reach the scripted Messages API."""


@dataclass(frozen=True, slots=True)
class System:
    told: str
    kubeconfig: Path
    stack: Ability[Stack]
    operator: Ability[Operator]
    standby: Ability[Standby]
    gateway: Ability[Way]
    credentials: Ability[Credentials]
    accounts: Ability[tuple[str, ...]]
    """Operator's and gateway's, as the API server calls them."""


def local_system(stack: Stack, kubectl: Kubectl) -> System:
    def credentials(_: Kubectl) -> dict[str, str]:
        data = kubectl.within("default").get("secret", CREDENTIALS)["data"]
        return {name: base64.b64decode(value).decode() for name, value in data.items()}

    return System(
        told=f"the local stack: devcluster at {stack.url}",
        kubeconfig=stack.kubeconfig,
        stack=Ability("all of it runs on this machine", stack),
        operator=Ability("a process: kill -9", LocalOperator(stack)),
        standby=Ability("the local stack has one operator, which needs no election"),
        gateway=Ability("a process of this machine", lambda _: nullcontext(stack.websocket)),
        credentials=Ability("the scripted Messages API is a process", credentials),
        accounts=Ability("operator and gateway have no accounts of their own"),
    )


def installed_system(kubectl: Kubectl) -> System:
    ours = kubectl.within(INSTALLED_IN)
    deployments: dict[str, Object] = {
        deployment["metadata"]["name"]: deployment["spec"]["template"]["spec"]
        for deployment in json.loads(ours("get", "deployments", "-o", "json"))["items"]
    }
    server = ours("config", "view", "--minify", "-o", "jsonpath={.clusters[0].cluster.server}")
    return System(
        told=f"what is installed in the cluster of {kubectl.kubeconfig}: {server}",
        kubeconfig=kubectl.kubeconfig,
        stack=Ability("needs the local stack, which is not under test"),
        operator=_operator(ours, deployments),
        standby=_standby(ours, deployments),
        gateway=_gateway(ours, deployments),
        credentials=_credentials(deployments),
        accounts=_accounts(deployments),
    )


def _operator(ours: Kubectl, deployments: dict[str, Object]) -> Ability[Operator]:
    if DEPLOYMENT not in deployments:
        return Ability(f"{DEPLOYMENT}: {NOT_INSTALLED}")
    return Ability("a Deployment: its pod is killed", InstalledOperator(ours))


def _standby(ours: Kubectl, deployments: dict[str, Object]) -> Ability[Standby]:
    if DEPLOYMENT not in deployments:
        return Ability(f"{DEPLOYMENT}: {NOT_INSTALLED}")
    operator = InstalledOperator(ours)
    told = f"{operator.replicas} replicas, of which one leads"
    return Ability(told, operator if operator.replicas > 1 else None)


def _gateway(ours: Kubectl, deployments: dict[str, Object]) -> Ability[Way]:
    if SERVICE not in deployments:
        return Ability(f"{SERVICE}: {NOT_INSTALLED}")
    return Ability("kubectl port-forward", lambda directory: port_forward(ours, directory))


def _credentials(deployments: dict[str, Object]) -> Ability[Credentials]:
    if SERVICE not in deployments:
        return Ability(f"the scripted Messages API needs the image of {SERVICE}: {NOT_INSTALLED}")
    image = deployments[SERVICE]["containers"][0]["image"]

    def credentials(kubectl: Kubectl) -> dict[str, str]:
        url = messages_api_in_pod(kubectl, image)
        return {"ANTHROPIC_API_KEY": "scripted", "ANTHROPIC_BASE_URL": url}

    return Ability(f"the scripted Messages API is a pod of {image}", credentials)


def _accounts(deployments: dict[str, Object]) -> Ability[tuple[str, ...]]:
    ours = [deployments[name] for name in (DEPLOYMENT, SERVICE) if name in deployments]
    names = [spec.get("serviceAccountName", "default") for spec in ours]
    if not names:
        return Ability(f"operator and gateway: {NOT_INSTALLED}")
    found = tuple(f"system:serviceaccount:{INSTALLED_IN}:{name}" for name in names)
    return Ability(", ".join(names), found)
