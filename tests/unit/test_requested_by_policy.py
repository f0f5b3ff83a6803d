"""The chart's policy on spec.requestedBy, by the CEL library of devcluster."""

from typing import Any

import cel
import pytest

from manifests.chart import documents

POLICY, BINDING = (
    found for found in documents() if found["metadata"]["name"].startswith("requested-by.")
)
GATEWAY = "system:serviceaccount:cc-executor:ccx-gateway"


def is_admitted(
    user: str, new: str | None, old: str | None = None, *, create: bool = False
) -> bool:
    def an_object(requested_by: str | None) -> dict[str, Any]:
        return {"spec": {"requestedBy": requested_by} if requested_by is not None else {}}

    request = {"userInfo": {"username": user}}
    before = None if create else an_object(old)
    known: dict[str, Any] = {"object": an_object(new), "oldObject": before, "request": request}
    found = {
        variable["name"]: cel.evaluate(variable["expression"], known)
        for variable in POLICY["spec"]["variables"]
    }
    rules = [rule["expression"] for rule in POLICY["spec"]["validations"]]
    return all(cel.evaluate(rule, known | {"variables": found}) for rule in rules)


@pytest.mark.parametrize("user", ["admin", "system:serviceaccount:cc-executor:ccx-operator"])
def test_nobody_but_the_gateway_writes_it(user: str) -> None:
    assert not is_admitted(user, "alice", create=True)
    assert not is_admitted(user, "alice", None)
    assert not is_admitted(user, "alice", "bob")
    assert not is_admitted(user, None, "bob")


def test_everybody_may_write_the_rest() -> None:
    assert is_admitted("admin", None, create=True)
    assert is_admitted("admin", None, None)
    assert is_admitted("admin", "bob", "bob")


def test_the_gateway_writes_it() -> None:
    assert is_admitted(GATEWAY, "alice", create=True)


def test_it_denies_and_it_is_bound() -> None:
    (rule,) = POLICY["spec"]["matchConstraints"]["resourceRules"]
    assert (rule["operations"], rule["resources"]) == (["CREATE", "UPDATE"], ["claudeexecutions"])
    assert POLICY["spec"]["failurePolicy"] == "Fail"
    assert BINDING["spec"]["policyName"] == POLICY["metadata"]["name"]
    assert BINDING["spec"]["validationActions"] == ["Deny"]
