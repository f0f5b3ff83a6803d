"""What pods/exec is cut down to for our accounts: the runner link, in an execution's pod. Pure.

The request names pod, container and command. It does not show the pod, so that whose it is can be
told by its name only: docs/decisions/0008.
"""

import json
from collections.abc import Iterable
from typing import Final

from ccx_api.names import AGENT_CONTAINER, GROUP, LINK_ARGV
from manifests.names import GATEWAY, OPERATOR, Manifest, labels, user_of

NAME: Final = f"runner-link-only.{GROUP}"
POD_NAME: Final = "^cx-.+-[0-9a-f]{8}-[0-9]+$"
"""As pod_name() of the operator makes them."""


def policy() -> Manifest:
    ours = _list(user_of(account) for account in (OPERATOR, GATEWAY))
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": NAME, "labels": labels()},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CONNECT"],
                        "resources": ["pods/exec"],
                    }
                ]
            },
            "matchConditions": [
                {"name": "ours", "expression": f"request.userInfo.username in {ours}"}
            ],
            "validations": [_rule(*rule) for rule in _rules()],
        },
    }


def binding() -> Manifest:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": NAME, "labels": labels()},
        "spec": {"policyName": NAME, "validationActions": ["Deny"]},
    }


def _rules() -> list[tuple[str, str]]:
    argv = _list(LINK_ARGV)
    return [
        (
            f"has(object.command) && object.command == {argv}",
            f"CC-Executor's accounts run nothing but {' '.join(LINK_ARGV)}",
        ),
        (
            f"has(object.container) && object.container == {json.dumps(AGENT_CONTAINER)}",
            f"CC-Executor's accounts enter no container but {AGENT_CONTAINER}",
        ),
        (
            "!has(object.tty) || !object.tty",
            "CC-Executor's accounts ask for no terminal",
        ),
        (
            f"request.name.matches({json.dumps(POD_NAME)})",
            "CC-Executor's accounts enter no pod that is not an execution's",
        ),
    ]


def _rule(expression: str, message: str) -> Manifest:
    return {"expression": expression, "message": message, "reason": "Forbidden"}


def _list(words: Iterable[str]) -> str:
    """In CEL, whose lists and strings may look like JSON's."""
    return json.dumps(list(words))
